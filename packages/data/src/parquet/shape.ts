import type { SchemaElement } from "hyparquet";

/** What a column holds: the union of the values seen so far. */
export interface Shape {
  kind: "empty" | "boolean" | "integer" | "number" | "string" | "list" | "struct";
  item?: Shape;
  fields?: Map<string, Shape>;
  /** What openbmb/UltraFeedback writes for nothing, as long as no other value was seen: the text for a list, the list for a group. */
  nothing?: "None" | "[]" | undefined;
}

/** Keys whose numbers are real even where all of them happen to be whole, as in the published files. */
const REAL_KEYS = /(^|_|-)(scores?|rating|logps?|rewards?|margins?)($|_|-)/;

const MAX_INT32 = 2 ** 31 - 1;

/** Whether an object is one as JSON knows it; a Date or a Map has no keys, and would become an empty group. */
export function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

/** Whether a text is one that UTF-8 can hold: half of a surrogate pair would become a replacement character. */
export function isUnicode(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}

/** Whether a 32-bit column holds the number. */
export function fitsInteger(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) <= MAX_INT32;
}

function scalarKind(value: unknown, key: string): Shape["kind"] | undefined {
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "boolean";
  if (typeof value !== "number") return undefined;
  return fitsInteger(value) && !REAL_KEYS.test(key) ? "integer" : "number";
}

/** Numbers beside strings ("N/A" among ratings) become strings; whole numbers beside real ones become real. */
function unite(a: Shape["kind"], b: Shape["kind"]): Shape["kind"] | undefined {
  if (a === b || b === "empty") return a;
  if (a === "empty") return b;
  const kinds = new Set([a, b]);
  if (kinds.has("list") || kinds.has("struct") || kinds.has("boolean")) return undefined;
  return kinds.has("string") ? "string" : "number";
}

/** Widens a shape to hold one more value; returns the path of a conflict, or undefined. */
export function widen(shape: Shape, value: unknown, key: string): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === "string" && !isUnicode(value)) return `${key}: holds half of a surrogate pair`;
  if (typeof value === "object" && Object.keys(value).length === 0 && !isPlain(value))
    return `${key}: holds a ${value.constructor.name}`;
  const nothing = value === "None" ? value : Array.isArray(value) && value.length === 0 ? "[]" : undefined;
  if ((nothing === "None" && shape.kind === "list") || (nothing === "[]" && shape.kind === "struct")) return undefined;
  if (nothing === "None" && shape.kind === "empty" && key === "Type") {
    shape.kind = "list";
    shape.item = { kind: "string" };
    return undefined;
  }
  const kind = Array.isArray(value) ? "list" : typeof value === "object" ? "struct" : scalarKind(value, key);
  if ((shape.nothing === "None" && kind === "list") || (shape.nothing === "[]" && kind === "struct")) shape.kind = "empty";
  if (nothing && (shape.kind === "empty" || shape.nothing === nothing)) shape.nothing = nothing;
  else shape.nothing = undefined;
  if (!kind) return `${key}: holds a ${typeof value}`;
  const united = unite(shape.kind, kind);
  if (!united) return `${key}: holds both ${shape.kind} and ${kind} values`;
  shape.kind = united;
  if (kind === "list") {
    shape.item ??= { kind: "empty" };
    for (const entry of value as unknown[]) {
      const conflict = widen(shape.item, entry, key);
      if (conflict) return conflict;
    }
  } else if (kind === "struct") {
    shape.fields ??= new Map();
    for (const [name, entry] of Object.entries(value as object)) {
      const field: Shape = shape.fields.get(name) ?? { kind: "empty" };
      shape.fields.set(name, field);
      const conflict = widen(field, entry, name);
      if (conflict) return key ? `${key}.${conflict}` : conflict;
    }
  }
  return undefined;
}

/** The Parquet schema of rows: strings as UTF8, lists in the standard three levels, objects as groups, all optional. */
export function parquetSchema(row: Shape): SchemaElement[] {
  const columns = [...(row.fields ?? [])].flatMap(([name, shape]) => element(name, shape));
  return [{ name: "schema", num_children: row.fields?.size ?? 0 }, ...columns];
}

function element(name: string, shape: Shape): SchemaElement[] {
  const repetition_type = "OPTIONAL";
  if (shape.kind === "list") {
    return [
      { name, repetition_type, num_children: 1, converted_type: "LIST", logical_type: { type: "LIST" } },
      { name: "list", repetition_type: "REPEATED", num_children: 1 },
      ...element("element", shape.item ?? { kind: "empty" }),
    ];
  }
  if (shape.kind === "struct" && shape.fields && shape.fields.size > 0) {
    const fields = [...shape.fields].flatMap(([key, field]) => element(key, field));
    return [{ name, repetition_type, num_children: shape.fields.size }, ...fields];
  }
  const type = leafType(shape);
  if (type !== "BYTE_ARRAY") return [{ name, repetition_type, type }];
  return [{ name, repetition_type, type, converted_type: "UTF8", logical_type: { type: "STRING" } }];
}

/** The physical type of a column that is neither a list nor a group with fields. */
export function leafType({ kind }: Shape): "BOOLEAN" | "INT32" | "DOUBLE" | "BYTE_ARRAY" {
  if (kind === "boolean") return "BOOLEAN";
  if (kind === "integer") return "INT32";
  return kind === "number" ? "DOUBLE" : "BYTE_ARRAY";
}

/** A text that changes whenever the schema does. */
export function shapeKey(shape: Shape): string {
  if (shape.kind === "list") return `[${shape.item ? shapeKey(shape.item) : ""}]`;
  if (shape.kind === "struct")
    return `{${[...shape.fields!].map(([name, field]) => `${JSON.stringify(name)}:${shapeKey(field)}`).join()}}`;
  return shape.kind;
}
