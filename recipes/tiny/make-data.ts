import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadTokenizer, rowsOf, writeRows } from "@zephyr/data";
import { SEED } from "./settings.ts";
import { makeWorld } from "./world/make-world.ts";

export const TOKENIZER = fileURLToPath(new URL("./tokenizer", import.meta.url));

/** Writes the world's dialogues, feedback prompts and held-out prompts. */
export async function makeData(output: string): Promise<string> {
  const { dialogues, feedbackPrompts, evalPrompts } = makeWorld(SEED);
  await writeRows(join(output, "data/dialogues.jsonl"), rowsOf(dialogues));
  await writeRows(join(output, "data/feedback-prompts.jsonl"), rowsOf(feedbackPrompts));
  await writeRows(join(output, "data/eval-prompts.jsonl"), rowsOf(evalPrompts));
  return `${dialogues.length} dialogues, ${feedbackPrompts.length} feedback prompts, ${evalPrompts.length} held-out prompts`;
}

export const tinyTokenizer = () => loadTokenizer(TOKENIZER);
