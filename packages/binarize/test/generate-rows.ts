import type { RatedCompletion, RatedRow } from "@zephyr/data";
import { rowDraw } from "../src/draw.ts";

const aspects = ["instruction_following", "honesty", "truthfulness", "helpfulness"];
const sources = ["evol_instruct", "flan", "sharegpt", "truthful_qa", "ultrachat"];

export type SourcedRow = RatedRow & { source: string };

/** `count` rows as the rating stage writes them: 4 completions, some ties, some "N/A"; the same for the same seed. */
export function generateRows(count: number, seed = 0): SourcedRow[] {
  return Array.from({ length: count }, (_, i) => {
    const draw = rowDraw(seed, `row ${i}`);
    return {
      prompt_id: `id-${seed}-${i}`,
      prompt: `Question ${i}?`,
      source: sources[draw(sources.length)]!,
      completions: Array.from({ length: 4 }, (_, c) => generateCompletion(`answer ${c} to ${i}`, draw)),
    };
  });
}

function generateCompletion(text: string, draw: (n: number) => number): RatedCompletion {
  const annotations = Object.fromEntries(
    aspects.map((aspect) => [
      aspect,
      { rating: aspect === "honesty" && draw(5) === 0 ? ("N/A" as const) : 1 + draw(5), rationale: "because" },
    ]),
  );
  return {
    model: `model-${draw(17)}`,
    content: text + " word".repeat(draw(40)),
    overall_score: 1 + draw(10),
    annotations,
  };
}

/** A row with one completion per score, its text being its place ("a", "b", ...), rated on one aspect. */
export function rowOfScores(promptId: string, scores: readonly (number | "N/A" | null | undefined)[]): RatedRow {
  return {
    prompt_id: promptId,
    prompt: "p",
    completions: scores.map((score, i) => ({
      model: `m${i}`,
      content: String.fromCharCode(97 + i),
      ...(score === undefined ? {} : { annotations: { helpfulness: { rating: score as number, rationale: "" } } }),
    })),
  };
}

/** Rows that can be iterated any number of times. */
export function stream<R>(rows: readonly R[]): AsyncIterable<R> {
  return {
    async *[Symbol.asyncIterator]() {
      yield* rows;
    },
  };
}

export async function collect<R>(rows: AsyncIterable<R>): Promise<R[]> {
  const out: R[] = [];
  for await (const row of rows) out.push(row);
  return out;
}
