import type { Message } from "@zephyr/data";
import { codedError } from "./coded-error.ts";
import type { RawText } from "./lines/raw-text.ts";

/** One completion as the rules read it, whichever spelling the row had. */
export interface ReadCompletion {
  /** Decoded, or as it stands in the line; so is the content. */
  model: string | RawText | undefined;
  content: string | RawText;
  /** Rating per aspect as stored, not yet checked. */
  ratings: Map<string, unknown>;
  overallScore: unknown;
}

/** A message whose content may stand as it does in the line. */
export type ReadMessage = Omit<Message, "content"> & { content: string | RawText };

export interface ReadRow {
  promptId: string;
  prompt: ReadMessage[];
  completions: ReadCompletion[];
  source: string | undefined;
  /** Columns that pass through. */
  columns: Record<string, unknown>;
}

/**
 * Reads a rated row of this project, or one of `openbmb/UltraFeedback` as published
 * (`instruction`, `response`, `Rating`), from data that nobody has checked yet.
 *
 * Throws TypeError (`BAD_ROW`) naming the row and the column. A missing or empty `prompt_id` is the SHA-256 of the prompt.
 */
export async function readRow(row: unknown, rowNumber: number): Promise<ReadRow> {
  if (!isRecord(row)) throw badRow(rowNumber, undefined, `is ${describe(row)}, not an object`);
  const { prompt: ownPrompt, completions, ...rest } = row;
  const { instruction, ...withoutInstruction } = rest;
  const columns = ownPrompt === undefined ? withoutInstruction : rest;
  const prompt = ownPrompt ?? instruction;
  const named = row["prompt_id"];
  // An empty id would give all its rows the same draws.
  const place = typeof named === "string" && named !== "" ? named : undefined;
  const messages = readPrompt(prompt, rowNumber, place);
  if (named !== undefined && named !== null && typeof named !== "string") {
    throw badRow(rowNumber, undefined, `has prompt_id ${describe(named)}; it must be a string`);
  }
  const promptId = place ?? (await sha256(typeof prompt === "string" ? prompt : JSON.stringify(prompt)));
  if (!Array.isArray(completions)) {
    throw badRow(rowNumber, promptId, `has completions ${describe(completions)}; it must be a list of rated completions`);
  }
  return {
    promptId,
    prompt: messages,
    completions: completions.map((completion, index) => readCompletion(completion, index, rowNumber, promptId)),
    source: typeof row["source"] === "string" ? row["source"] : undefined,
    columns,
  };
}

function readPrompt(prompt: unknown, rowNumber: number, promptId: string | undefined): Message[] {
  if (typeof prompt === "string") return [{ role: "user", content: prompt }];
  if (!Array.isArray(prompt) || prompt.length === 0 || !prompt.every(isMessage)) {
    throw badRow(rowNumber, promptId, `has prompt ${describe(prompt)}; it must be a string or a list of {role, content}`);
  }
  if (prompt.at(-1)?.role === "assistant") {
    throw badRow(rowNumber, promptId, "has a prompt that ends in an assistant turn; end it with the turn to be answered");
  }
  return prompt;
}

function readCompletion(completion: unknown, index: number, rowNumber: number, promptId: string): ReadCompletion {
  const content = isRecord(completion) ? (completion["content"] ?? completion["response"]) : undefined;
  if (!isRecord(completion) || typeof content !== "string") {
    throw badRow(rowNumber, promptId, `completion ${index} has content ${describe(content)}; it must be a string`);
  }
  const { annotations, model } = completion;
  const ratings = new Map<string, unknown>();
  if (isRecord(annotations)) {
    for (const aspect of Object.keys(annotations)) ratings.set(aspect, readRating(annotations[aspect]));
  }
  return { model: typeof model === "string" ? model : undefined, content, ratings, overallScore: completion["overall_score"] };
}

function readRating(annotation: unknown): unknown {
  return isRecord(annotation) ? ("rating" in annotation ? annotation["rating"] : annotation["Rating"]) : undefined;
}

function isMessage(value: unknown): value is Message {
  return isRecord(value) && typeof value["role"] === "string" && typeof value["content"] === "string";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value as an error message shows it: short, and with NaN as NaN where JSON would say null. */
export function describe(value: unknown): string {
  if (typeof value === "number") return String(value);
  const text = JSON.stringify(value);
  if (text === undefined) return String(value);
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}

/** `row 17 (prompt_id "a3f")`: rows count from 1, completions from 0. */
export function rowPlace(rowNumber: number, promptId: string | undefined): string {
  return `row ${rowNumber}${promptId === undefined ? "" : ` (prompt_id ${JSON.stringify(promptId)})`}`;
}

function badRow(rowNumber: number, promptId: string | undefined, what: string) {
  return codedError(new TypeError(`binarize: ${rowPlace(rowNumber, promptId)} ${what}`), "BAD_ROW");
}

export async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
