import { transform } from "../pipe.ts";
import type { Annotation, CompletionEntry, RatedCompletion, RatedRow, Rows } from "../rows.ts";
import { rowName } from "./conversation.ts";
import { promptId, promptOf } from "./prompt-id.ts";

type Json = Record<string, unknown>;

/** "4" and "8.5" as numbers; everything else (4, "N/A", "4/5") as it stands, for `binarize` to judge. */
function rating(value: unknown): unknown {
  return typeof value === "string" && /^\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : value;
}

/** openbmb writes the types as a list, or as the text "None" where there is none. */
function typeList(value: unknown): string[] {
  return Array.isArray(value)
    ? value.map(textOf)
    : value === "None" || value === undefined || value === null
      ? []
      : [textOf(value)];
}

/** Whatever stands where a text should, as text; an object may have no way to become one but JSON. */
function textOf(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** `{Rating, Rationale, Type?, "Rationale For Rating"?}` in our spelling; an aspect that the teacher failed on is left out. */
function toAnnotation(value: unknown): Annotation | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { Rating, Rationale, Type, "Rationale For Rating": why, rating: ours, rationale, type, ...rest } = value as Json;
  const types = Type ?? type;
  return {
    rating: rating(Rating ?? ours) as Annotation["rating"],
    rationale: textOf(Rationale ?? rationale ?? ""),
    ...(types === undefined ? {} : { type: typeList(types) }),
    ...(why === undefined ? {} : { rationale_for_rating: textOf(why) }),
    ...rest,
  };
}

function toCompletion(value: unknown, place: string): RatedCompletion {
  if (typeof value !== "object" || value === null) throw new TypeError(`${place}: is no completion`);
  const {
    response,
    content,
    custom_system_prompt,
    system_prompt,
    annotations,
    overall_score,
    "fine-grained_score": fine,
    ...rest
  } = value as Json;
  const text = content ?? response;
  if (typeof text !== "string") throw new TypeError(`${place}: has neither content nor response`);
  const aspects = Object.entries((annotations ?? {}) as Json).flatMap(([aspect, entry]) => {
    const annotation = toAnnotation(entry);
    return annotation ? [[aspect, annotation] as const] : [];
  });
  const instruction = system_prompt ?? custom_system_prompt;
  return {
    ...(rest as Omit<CompletionEntry, "content">),
    content: text,
    ...(instruction === undefined ? {} : { system_prompt: textOf(instruction) }),
    ...(overall_score === undefined ? {} : { overall_score: rating(overall_score) as number }),
    ...(fine === undefined ? {} : { fine_grained_score: rating(fine) }),
    ...(annotations === undefined ? {} : { annotations: Object.fromEntries(aspects) }),
  };
}

/**
 * Rated rows of any published form in ours: openbmb/UltraFeedback (`instruction`, `response`, `Rating` as text, `Type` as list or
 * "None", `fine-grained_score`, `custom_system_prompt`) and rows that are ours already. Ratings written as plain numbers become numbers;
 * others stay as they are. Further columns pass through.
 *
 * @throws TypeError naming the row and what is missing.
 * @example
 * const preferences = pipe(readRows("UltraFeedback/evol_instruct.jsonl"), toRatedRows(), binarize({ preset: "h4", seed: 0 }));
 */
export function toRatedRows(): <R extends object>(
  rows: AsyncIterable<R>,
) => Rows<Omit<R, "instruction" | "completions" | "models"> & RatedRow> {
  return <R extends object>(rows: AsyncIterable<R>) =>
    transform(async function* (source: AsyncIterable<R>) {
      let index = 0;
      for await (const row of source) {
        const place = `toRatedRows: ${rowName(row, index++)}`;
        const { instruction: _, completions, models: __, ...rest } = row as Json;
        if (!Array.isArray(completions)) throw new TypeError(`${place}: completions is no list`);
        const prompt = promptOf(row, place);
        const prompt_id = typeof rest["prompt_id"] === "string" ? rest["prompt_id"] : promptId(prompt);
        const rated = completions.map((entry, i) => toCompletion(entry, `${place}: completions[${i}]`));
        yield { ...rest, prompt_id, prompt, completions: rated } as unknown as Omit<R, "instruction" | "completions" | "models"> &
          RatedRow;
      }
    })(rows);
}
