/** Which reader refused its input: what a caller may branch on, read from `error.code`. */
export type FormatErrorCode =
  | "ERR_SAFETENSORS"
  | "ERR_MODEL_CONFIG"
  | "ERR_ADAPTER"
  | "ERR_MODEL_FOLDER"
  | "ERR_CHECKPOINT"
  | "ERR_LOG"
  | "ERR_JSON";

/** An error of one of the file formats; `code` says which one, `cause` what lay beneath. */
export type FormatError = Error & { code: FormatErrorCode };

/**
 * Makes the error that a reader or writer of this folder throws.
 *
 * @example throw formatError("ERR_SAFETENSORS", `parseHeader: file has ${size} bytes, needs at least 8; the file is truncated`);
 */
export function formatError(code: FormatErrorCode, message: string, cause?: unknown): FormatError {
  return Object.assign(new Error(message, cause === undefined ? undefined : { cause }), { code });
}

/** Quotes text from a file for a message: control characters escaped, at most 80 characters. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? text.slice(0, 77) + "..." : text);
}
