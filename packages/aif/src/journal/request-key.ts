import * as crypto from "node:crypto";
import type { Message } from "@zephyr/data";

/** JSON with sorted keys and without undefined fields, so that equal content gives equal text; throws a TypeError on what JSON cannot hold. */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === "boolean" || typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new TypeError(`canonicalJson: ${value} is no JSON number`);
    return JSON.stringify(value);
  }
  if (typeof value !== "object") throw new TypeError(`canonicalJson: a ${typeof value} is no JSON`);
  let text = "";
  if (Array.isArray(value)) {
    for (const item of value) text += `${text === "" ? "" : ","}${canonicalJson(item)}`;
    return `[${text}]`;
  }
  for (const key of Object.keys(value).sort()) {
    const field = (value as Record<string, unknown>)[key];
    if (field !== undefined) text += `${text === "" ? "" : ","}${JSON.stringify(key)}:${canonicalJson(field)}`;
  }
  return `{${text}}`;
}

/** The sha256 of a request's canonical content, in hex. */
export function requestKey(content: unknown): string {
  return sha256(canonicalJson(content));
}

/** The `requestKey` of `{ version: 1, name, id, messages, sampling, sample }`, for which every request pays. */
export function questionKey(
  { name, id }: { name: string; id: string },
  messages: readonly Message[],
  sampling: object,
  sample: number,
): string {
  let turns = "";
  for (const { role, content } of messages)
    turns += `${turns === "" ? "" : ","}{"content":${JSON.stringify(content)},"role":${JSON.stringify(role)}}`;
  const model = `"name":${JSON.stringify(name)},"sample":${sample},"sampling":${canonicalJson(sampling)},"version":1`;
  return sha256(`{"id":${JSON.stringify(id)},"messages":[${turns}],${model}}`);
}

/** The sha256 of UTF-8 text, in hex; in one call where the runtime has one. */
export const sha256: (text: string) => string =
  typeof crypto.hash === "function"
    ? (text) => crypto.hash("sha256", text, "hex")
    : (text) => crypto.createHash("sha256").update(text).digest("hex");
