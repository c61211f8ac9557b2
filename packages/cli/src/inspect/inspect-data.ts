import {
  collectRows,
  pipe,
  readRows,
  type TokenizedPreferenceRow,
  type TokenizedRow,
  type Tokenizer,
  takeRows,
  tokenizeDialogues,
  tokenizePreferences,
  type UntypedRow,
} from "@zephyr/data";
import type { MaskedPiece } from "./render-mask.ts";

/** What a data file holds. */
export interface DataInspection {
  rows: number;
  kind: string;
  /** In how many rows each column is. */
  columns: Record<string, number>;
  /** Tokens of the sequences, or characters without a tokenizer. */
  lengths: { unit: "tokens" | "characters"; min: number; median: number; p95: number; max: number } | null;
  /** A row as the model would see it: pieces of text, and whether they are learnt. */
  rendered: { name: string; pieces: MaskedPiece[] }[] | null;
}

export interface InspectDataOptions {
  /** Which row is rendered, counted from 0 over the rows that are trained on. */
  row: number;
  maxLength: number | undefined;
  completionOnlyLoss: boolean;
  assistantOnlyLoss: boolean;
}

/** Rows whose lengths are measured; more would only make the wait longer. */
const MEASURED = 2000;

/** Reads a whole file once, and its first rows as a trainer would. */
export async function inspectData(
  path: string,
  tokenizer: Tokenizer | undefined,
  options: InspectDataOptions,
): Promise<DataInspection> {
  const columns: Record<string, number> = {};
  let rows = 0;
  const characters: number[] = [];
  for await (const row of readRows(path)) {
    rows++;
    for (const name of Object.keys(row)) columns[name] = (columns[name] ?? 0) + 1;
    if (characters.length < MEASURED) characters.push(textLength(row));
  }
  const kind = kindOf(columns);
  const sequences = tokenizer || kind.endsWith("token ids") ? await tokenized(path, kind, tokenizer, options) : undefined;
  const measured = sequences ? sequences.flat().map(({ input_ids }) => input_ids.length) : characters;
  const shown = sequences?.[options.row];
  if (sequences && tokenizer && sequences.length > 0 && !shown)
    throw new RangeError(`--row ${options.row} is not there: the first ${sequences.length} rows can be shown, counted from 0`);
  return {
    rows,
    kind,
    columns,
    lengths: measured.length > 0 ? { unit: sequences ? "tokens" : "characters", ...quantiles(measured) } : null,
    rendered:
      shown && tokenizer ? shown.map((sequence, i) => ({ name: nameOf(kind, i), pieces: pieces(sequence, tokenizer) })) : null,
  };
}

function kindOf(columns: Record<string, number>): string {
  const has = (...names: string[]): boolean => names.every((name) => name in columns);
  if (has("prompt_ids", "chosen_ids", "rejected_ids")) return "preference token ids";
  if (has("input_ids")) return "token ids";
  if (has("chosen", "rejected")) return "preferences";
  if (has("prompt", "completion", "label")) return "unpaired preferences";
  if (has("prompt", "completion")) return "prompt and completion";
  if (has("completions")) return "completions";
  if (has("messages") || has("conversations")) return "dialogues";
  if (has("text")) return "text";
  return has("prompt") || has("instruction") ? "prompts" : "unknown";
}

const nameOf = (kind: string, i: number): string =>
  kind.startsWith("preference") ? (i === 0 ? "chosen" : "rejected") : "sequence";

/** The sequences that each of the first rows becomes; none for rows that nobody trains on. */
async function tokenized(
  path: string,
  kind: string,
  tokenizer: Tokenizer | undefined,
  { maxLength, completionOnlyLoss, assistantOnlyLoss }: InspectDataOptions,
): Promise<TokenizedRow[][]> {
  const cut = maxLength === undefined ? {} : { maxLength };
  const rows = pipe(readRows(path), takeRows(MEASURED));
  const onReport = (): void => {};
  if (kind.startsWith("preference")) {
    const pairs: TokenizedPreferenceRow[] = await collectRows(
      tokenizePreferences(tokenizer, { ...cut, onReport })<UntypedRow>(rows),
    );
    return pairs.map(({ prompt_ids, chosen_ids, rejected_ids }) =>
      [chosen_ids, rejected_ids].map((ids) => joined(prompt_ids, ids)),
    );
  }
  if (["completions", "prompts", "unknown", "unpaired preferences"].includes(kind)) return [];
  const options = { ...cut, completionOnlyLoss, assistantOnlyLoss, onReport };
  return (await collectRows(tokenizeDialogues(tokenizer, options)<UntypedRow>(rows))).map((row) => [row]);
}

const joined = (prompt: number[], answer: number[]): TokenizedRow => ({
  input_ids: [...prompt, ...answer],
  completion_mask: [...prompt.map(() => 0), ...answer.map(() => 1)],
});

/** The text of a sequence, cut where the mask changes. */
function pieces({ input_ids, completion_mask }: TokenizedRow, tokenizer: Tokenizer): MaskedPiece[] {
  const found: { ids: number[]; learnt: boolean }[] = [];
  input_ids.forEach((id, t) => {
    // The first token is given, never predicted.
    const learnt = t > 0 && completion_mask[t] === 1;
    if (found.at(-1)?.learnt !== learnt) found.push({ ids: [], learnt });
    found.at(-1)!.ids.push(id);
  });
  return found.map(({ ids, learnt }) => ({ text: tokenizer.decode(ids, { skipSpecialTokens: false }), learnt }));
}

function textLength(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce((sum: number, part) => sum + textLength(part), 0);
}

function quantiles(values: readonly number[]) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (fraction: number): number => sorted[Math.min(sorted.length - 1, Math.floor(fraction * sorted.length))]!;
  return { min: sorted[0]!, median: at(0.5), p95: at(0.95), max: sorted.at(-1)! };
}
