// Checked by the compiler, never run: which stages fit together, and that unknown columns survive.
import { type PromptRow, pipe, readRows } from "@zephyr/data";
import { complete, type Model, rate } from "./index.ts";

declare const models: Model[];
declare const judge: Model;

const untyped = pipe(
  readRows("prompts.jsonl"),
  complete({ models, completionsPerPrompt: 4, seed: 0 }),
  rate({ judge, rubric: "ultrafeedback" }),
);
for await (const { completions, prompt_id } of untyped) console.log(completions[0]?.overall_score?.toFixed(), prompt_id.length);

const typed = pipe(readRows<PromptRow & { extra: number }>("prompts.jsonl"), complete({ models }), rate({ judge }));
for await (const { extra, completions } of typed) console.log(extra.toFixed(), completions[0]?.annotations);

// @ts-expect-error rows without completions cannot be rated
export const unrated = pipe(readRows<PromptRow>("prompts.jsonl"), rate({ judge }));
