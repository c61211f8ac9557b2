/** One text of a row: who says it, and in which column. */
export interface RowText {
  column: string;
  role: string;
  text: string;
}

type Visit = (text: RowText) => string;

/** Columns that hold text in the dataset formats of TRL and Hugging Face, with the role of a bare string in them. */
const textColumns: Record<string, string> = {
  text: "text",
  prompt: "user",
  instruction: "user",
  messages: "user",
  conversations: "user",
  completion: "assistant",
  completions: "assistant",
  chosen: "assistant",
  rejected: "assistant",
};

const fromValueRoles: Record<string, string> = { human: "user", gpt: "assistant" };

/**
 * A copy of the row with every text replaced by what `visit` returns for it, whichever dataset format the row has;
 * the row itself when nothing changed.
 *
 * Throws TypeError (`NO_TEXT`) when the row has none of the columns that hold text.
 */
export function mapTexts<R extends object>(row: R, visit: Visit, place: string): R {
  let found = false;
  const changes: Record<string, unknown> = {};
  for (const [column, value] of Object.entries(row)) {
    const role = Object.hasOwn(textColumns, column) ? textColumns[column] : undefined;
    if (role === undefined || value === null || value === undefined) continue;
    found = true;
    const mapped = mapValue(value, column, role, visit);
    if (mapped !== value) changes[column] = mapped;
  }
  if (!found) {
    const error = new TypeError(
      `${place} has none of the columns that hold text (${Object.keys(textColumns).join(", ")}); its columns are ${Object.keys(row).join(", ") || "none"}`,
    );
    throw Object.assign(error, { code: "NO_TEXT" });
  }
  return Object.keys(changes).length > 0 ? { ...row, ...changes } : row;
}

/** Texts may be nested: a string, a message, a list of messages, a list of completions, a list of lists of messages. */
function mapValue(value: unknown, column: string, role: string, visit: Visit): unknown {
  if (typeof value === "string") return visit({ column, role, text: value });
  if (Array.isArray(value)) {
    const mapped = value.map((each) => mapValue(each, column, role, visit));
    return mapped.some((each, i) => each !== value[i]) ? mapped : value;
  }
  if (typeof value !== "object" || value === null) return value;
  const message = value as Record<string, unknown>;
  const key = ["content", "value", "response"].find((name) => typeof message[name] === "string");
  if (key === undefined) return value;
  const named = message["role"] ?? message["from"];
  const speaker = typeof named === "string" ? (fromValueRoles[named] ?? named) : role;
  const text = visit({ column, role: speaker, text: message[key] as string });
  return text === message[key] ? value : { ...message, [key]: text };
}

/** Every text of a row, in the order of its columns. */
export function textsOf(row: object, place: string): RowText[] {
  const texts: RowText[] = [];
  mapTexts(
    row,
    (text) => {
      texts.push(text);
      return text.text;
    },
    place,
  );
  return texts;
}

/** Columns with whole dialogues, and columns with alternative answers to the row's prompt. */
const dialogueColumns = ["text", "messages", "conversations"];
const answerColumns = ["completion", "completions", "chosen", "rejected"];

/**
 * The token sequences that a trainer makes of the row: each dialogue, and the prompt with each answer
 * (an answer that is itself a whole dialogue stands alone); a prompt without answers is one sequence.
 */
export function sequencesOf(row: object, place: string): string[][] {
  textsOf(row, place);
  const columns = row as Record<string, unknown>;
  const textsIn = (column: string, value: unknown) => (value == null ? [] : textsOf({ [column]: value }, place));
  const prompt = ["prompt", "instruction"].flatMap((column) => textsIn(column, columns[column]));
  const dialogues = dialogueColumns.map((column) => textsIn(column, columns[column]));
  const answers = answerColumns.flatMap((column) => {
    const value = columns[column];
    const alternatives = column === "completions" && Array.isArray(value) ? value : [value];
    return alternatives.map((alternative) => {
      const texts = textsIn(column, alternative);
      return texts[0]?.role === "assistant" ? [...prompt, ...texts] : texts;
    });
  });
  const sequences = [...dialogues, ...answers].filter((texts) => texts.length > 0);
  return (sequences.length > 0 ? sequences : [prompt]).map((texts) => texts.map(({ text }) => text));
}

/** The user's side of a row as one text: what makes two rows the same question. */
export function promptOf(row: object, place: string): string {
  const texts = textsOf(row, place);
  const own = texts.filter(({ column }) => column === "prompt" || column === "instruction");
  const asked = own.length > 0 ? own : texts.filter(({ column, role }) => role === "user" && column !== "rejected");
  return (asked.length > 0 ? asked : texts).map(({ text }) => text).join("\n");
}

/** `truecase: row 17 (prompt_id "a3f")`; rows count from 1. */
export function placeOf(step: string, row: object, rowNumber: number): string {
  const id = (row as { prompt_id?: unknown }).prompt_id;
  return `${step}: row ${rowNumber}${typeof id === "string" ? ` (prompt_id ${JSON.stringify(id)})` : ""}`;
}
