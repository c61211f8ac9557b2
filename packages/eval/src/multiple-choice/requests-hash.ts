import { createHash } from "node:crypto";
import type { TextRequest } from "./score.ts";

const ESCAPES: Record<string, string> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\f": "\\f",
  "\b": "\\b",
};

/**
 * SHA-256, in hex, over the requests as Python's `json.dumps` writes a list of [context, continuation] pairs (all but
 * printable ASCII escaped): equal hashes mean that a model is asked the same, byte for byte.
 */
export function requestsSha256(requests: Iterable<TextRequest>): string {
  const hash = createHash("sha256").update("[");
  let separator = "";
  for (const { context, continuation } of requests) {
    hash.update(`${separator}[${pythonJson(context)}, ${pythonJson(continuation)}]`);
    separator = ", ";
  }
  return hash.update("]").digest("hex");
}

function pythonJson(text: string): string {
  const escaped = text.replace(
    /["\\]|[^ -~]/g,
    (unit) => ESCAPES[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `"${escaped}"`;
}
