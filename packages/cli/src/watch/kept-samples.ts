import { fieldsOf, textOf } from "./fields.ts";

const MOST_STEPS = 200;
const LONGEST_PROMPT = 2000;
const LONGEST_COMPLETION = 6000;
const MOST_PROMPTS = 64;

/** One answer as the page sees it. */
export interface SampleView {
  step: number;
  prompt_id: string;
  completion: string;
  /** It was cut at the most tokens. */
  is_cut: boolean;
}

/** Who says what; a text has no role. */
export interface PromptView {
  prompt_id: string;
  turns: { role: string; content: string }[];
}

/** The samples of a run of any length in bounded memory: of more than 200 steps every second is left out, the newest never. */
export interface KeptSamples {
  /** Takes lines; gives what is new of them, and whether older samples were left out to make room. */
  take(lines: readonly string[]): { samples: SampleView[]; prompts: PromptView[]; thinned: boolean };
  readonly samples: SampleView[];
  readonly prompts: PromptView[];
  /** Lines that are no samples. */
  readonly faults: number;
}

export function keptSamples(): KeptSamples {
  let steps = new Map<number, SampleView[]>();
  const prompts = new Map<string, PromptView>();
  let faults = 0;
  return {
    take(lines) {
      const fresh = { samples: [] as SampleView[], prompts: [] as PromptView[], thinned: false };
      for (const line of lines) {
        const read = sampleOf(line);
        if (!read) faults++;
        if (!read || (!prompts.has(read.prompt.prompt_id) && prompts.size >= MOST_PROMPTS)) continue;
        const { sample, prompt } = read;
        if (!prompts.has(prompt.prompt_id)) fresh.prompts.push(prompt);
        prompts.set(prompt.prompt_id, prompt);
        steps.set(sample.step, [...(steps.get(sample.step) ?? []), sample]);
        fresh.samples.push(sample);
      }
      while (steps.size > MOST_STEPS) {
        const all = [...steps];
        steps = new Map(all.filter((_, i) => i % 2 === 0 || i === all.length - 1));
        fresh.thinned = true;
      }
      return fresh;
    },
    get samples() {
      return [...steps.values()].flat();
    },
    get prompts() {
      return [...prompts.values()];
    },
    get faults() {
      return faults;
    },
  };
}

function sampleOf(line: string): { sample: SampleView; prompt: PromptView } | undefined {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return undefined;
  }
  const row = fieldsOf(json);
  if (!row || !Number.isSafeInteger(row["step"]) || typeof row["completion"] !== "string") return undefined;
  const prompt_id = textOf(row["prompt_id"], 100);
  return {
    sample: {
      step: row["step"] as number,
      prompt_id,
      completion: textOf(row["completion"], LONGEST_COMPLETION),
      is_cut: row["finish_reason"] === "length",
    },
    prompt: { prompt_id, turns: turnsOf(row["prompt"]) },
  };
}

function turnsOf(prompt: unknown): PromptView["turns"] {
  if (!Array.isArray(prompt)) return [{ role: "", content: textOf(prompt, LONGEST_PROMPT) }];
  return prompt.slice(-12).map((turn) => {
    const { role, content } = fieldsOf(turn) ?? {};
    return { role: textOf(role, 40), content: textOf(content, LONGEST_PROMPT) };
  });
}
