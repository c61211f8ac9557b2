import type { Message } from "@zephyr/data";
import type { PairFormat } from "./options.ts";
import type { ReadMessage, ReadRow } from "./rated-row.ts";
import type { Candidate, Pair } from "./rules/rule.ts";

/** A pair as `HuggingFaceH4/ultrafeedback_binarized` spells it: whole dialogues, and the prompt's first user turn as text. */
export interface H4PreferenceRow {
  prompt: string;
  prompt_id: string;
  chosen: Message[];
  rejected: Message[];
  /** The chosen dialogue, for supervised fine-tuning. */
  messages: Message[];
  score_chosen: number;
  score_rejected: number;
}

/** One labelled answer, as TRL's KTO trainer reads it. */
export interface UnpairedRow {
  prompt_id: string;
  prompt: Message[];
  completion: Message[];
  label: boolean;
  score: number;
}

/** All answers of a prompt from best to worst; equals share a rank. */
export interface ListwiseRow {
  prompt_id: string;
  prompt: Message[];
  completions: Message[][];
  scores: number[];
  ranks: number[];
}

export function pairRow(row: ReadRow, { chosen, rejected }: Pair, format: PairFormat): Record<string, unknown> {
  const scores = { score_chosen: chosen.score, score_rejected: rejected.score };
  const { columns, promptId: prompt_id, prompt } = row;
  if (format === "trl") {
    return { ...columns, prompt_id, prompt, chosen: answer(row, chosen), rejected: answer(row, rejected), ...scores };
  }
  const dialogue = [...prompt, ...answer(row, chosen)];
  return {
    ...columns,
    prompt: (prompt.find(({ role }) => role === "user") ?? prompt[0]!).content,
    prompt_id,
    chosen: dialogue,
    rejected: [...prompt, ...answer(row, rejected)],
    messages: dialogue,
    ...scores,
  };
}

export function unpairedRow(row: ReadRow, candidate: Candidate, label: boolean): Record<string, unknown> {
  const { columns, promptId: prompt_id, prompt } = row;
  return { ...columns, prompt_id, prompt, completion: answer(row, candidate), label, score: candidate.score };
}

export function listwiseRow(row: ReadRow, ranked: readonly { candidate: Candidate; rank: number }[]): Record<string, unknown> {
  return {
    ...row.columns,
    prompt_id: row.promptId,
    prompt: row.prompt,
    completions: ranked.map(({ candidate }) => answer(row, candidate)),
    scores: ranked.map(({ candidate }) => candidate.score),
    ranks: ranked.map(({ rank }) => rank),
  };
}

function answer(row: ReadRow, { index }: Candidate): ReadMessage[] {
  return [{ role: "assistant", content: row.completions[index]!.content }];
}
