import type { PromptRow } from "@zephyr/data";

/** One line of JSON, numbers at four significant digits. */
export function print(line: Record<string, unknown>): void {
  console.log(JSON.stringify(line, (_key, value) => (typeof value === "number" ? Number(value.toPrecision(4)) : value)));
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** Prompts of about 400 characters, all different. */
export function promptRows(count: number): AsyncIterable<PromptRow> {
  const filler = "Explain how it works and what it is good for, in a few sentences that a child understands. ".repeat(4);
  return {
    async *[Symbol.asyncIterator]() {
      for (let i = 0; i < count; i++) yield { prompt_id: `p${i}`, prompt: `Question ${i}. ${filler}` };
    },
  };
}
