const KEY_SHAPES = [
  /\bBearer\s+[A-Za-z0-9._~+/-]{8,}=*/gi,
  /\b(?:sk|pk|rk|gsk|hf|xai|AIza)[-_]?[A-Za-z0-9_-]{16,}\b/g,
  /([?&](?:key|api_key|api-key|access_token)=)[^&\s"']+/gi,
  /(:\/\/)[^/\s:@"']+:[^/\s@"']+@/g,
];

/**
 * Takes keys out of text that is going to a log, a file or an error: the secrets named, and whatever looks like a key.
 *
 * @example redact("bad key sk-0123456789abcdefghij", []) // "bad key [redacted]"
 */
export function redact(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) if (secret.length > 0) clean = clean.replaceAll(secret, "[redacted]");
  for (const shape of KEY_SHAPES)
    clean = clean.replace(shape, (_match, keep) => (typeof keep === "string" ? `${keep}[redacted]` : "[redacted]"));
  return clean;
}
