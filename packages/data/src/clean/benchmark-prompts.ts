/**
 * The prompts of one row of a benchmark or prompt file: MT-Bench (`turns`), AlpacaEval (`instruction`, with `input`), TruthfulQA (`question`),
 * prompt rows and dialogues (`prompt`, `messages`: the user's turns), plain `text`; a bare string is a prompt itself.
 *
 * Throws TypeError (`NO_PROMPT`) naming the columns when none of these is there.
 *
 * @example
 * const prompts = [];
 * for await (const row of readRows("question.jsonl")) prompts.push(...benchmarkPrompts(row));
 */
export function benchmarkPrompts(row: unknown): string[] {
  if (typeof row === "string") return [row];
  const columns: Record<string, unknown> = typeof row === "object" && row !== null ? { ...row } : {};
  const found = ["turns", "instruction", "question", "prompt", "messages", "text"]
    .map((column) => columns[column])
    .find(isPresent);
  const prompts = promptsIn(found);
  const { instruction, input } = columns;
  if (typeof instruction === "string" && typeof input === "string" && input.trim() !== "")
    prompts.push(`${instruction}\n${input}`);
  if (prompts.length > 0) return prompts;
  const error = new TypeError(
    `benchmarkPrompts: a row with columns ${Object.keys(columns).join(", ") || "none"} has no prompt; it needs turns, instruction, question, prompt, messages or text`,
  );
  throw Object.assign(error, { code: "NO_PROMPT" });
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function promptsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (!Array.isArray(value)) return [];
  return value.flatMap((each: unknown) => {
    if (typeof each === "string") return [each];
    const { role, content } = (each ?? {}) as { role?: unknown; content?: unknown };
    return typeof content === "string" && role === "user" ? [content] : [];
  });
}
