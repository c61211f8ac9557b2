import type { SchemaElement } from "hyparquet";

/** What a column holds: the union of the values seen so far. */
export interface Shape {
  kind: "empty" | "boolean" | "integer" | "number" | "string" | "list" | "struct";
  item?: Shape;
  fields?: Map<string, Shape>;
  /** Set where values of several kinds met, so that some must be converted. */
  mixed?: boolean;
  /** What openbmb/UltraFeedback writes for nothing, as long as no other value was seen: the text for a list, the list for a group. */
  nothing?: "None" | "[]";
}

/** Keys whose numbers are real even where all of them happen to be whole, as in the published files. */
const REAL_KEYS = /(^|_|-)(scores?|rating|logps?|rewards?|margins?)($|_|-)/;

const MAX_INT32 = 2 ** 31 - 1;

function scalarKind(value: unknown, key: string): Shape["kind"] | undefined {
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "boolean";
  if (typeof value !== "number") return undefined;
  return Number.isInteger(value) && Math.abs(value) <= MAX_INT32 && !REAL_KEYS.test(key) ? "integer" : "number";
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
  const nothing = value === "None" ? value : Array.isArray(value) && value.length === 0 ? "[]" : undefined;
  if ((nothing === "None" && shape.kind === "list") || (nothing === "[]" && shape.kind === "struct")) {
    shape.mixed = true;
    return undefined;
  }
  if (nothing === "None" && shape.kind === "empty" && key === "Type") {
    shape.kind = "list";
    shape.item = { kind: "string" };
    shape.mixed = true;
    return undefined;
  }
  const kind = Array.isArray(value) ? "list" : typeof value === "object" ? "struct" : scalarKind(value, key);
  if ((shape.nothing === "None" && kind === "list") || (shape.nothing === "[]" && kind === "struct")) {
    shape.kind = "empty";
    shape.mixed = true;
  }
  if (nothing && (shape.kind === "empty" || shape.nothing === nothing)) shape.nothing = nothing;
  else delete shape.nothing;
  if (!kind) return `${key}: holds a ${typeof value}`;
  const united = unite(shape.kind, kind);
  if (!united) return `${key}: holds both ${shape.kind} and ${kind} values`;
  if (united === "string" && shape.kind !== "empty" && kind !== shape.kind) shape.mixed = true;
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
  if (shape.kind === "boolean") return [{ name, repetition_type, type: "BOOLEAN" }];
  if (shape.kind === "integer") return [{ name, repetition_type, type: "INT32" }];
  if (shape.kind === "number") return [{ name, repetition_type, type: "DOUBLE" }];
  return [{ name, repetition_type, type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } }];
}

/** Whether some values must be converted to fit their column. */
export function needsFit(shape: Shape): boolean {
  if (shape.mixed) return true;
  if (shape.kind === "list") return shape.item !== undefined && needsFit(shape.item);
  return shape.kind === "struct" && (shape.fields!.size === 0 || [...shape.fields!.values()].some(needsFit));
}

/** The value as its column stores it: a number among strings as text, the text "None" among lists as an empty list, an empty list among groups as null. */
export function fit(value: unknown, shape: Shape): unknown {
  if (value === null || value === undefined) return undefined;
  if (shape.kind === "list") return value === "None" ? [] : (value as unknown[]).map((entry) => fit(entry, shape.item!));
  if (shape.kind === "struct") {
    if (shape.fields!.size === 0 || Array.isArray(value)) return undefined;
    const fitted: Record<string, unknown> = {};
    for (const [name, field] of shape.fields!) fitted[name] = fit((value as Record<string, unknown>)[name], field);
    return fitted;
  }
  return shape.kind === "string" && typeof value !== "string" ? String(value) : value;
}

/** A text that changes whenever the schema does. */
export function shapeKey(shape: Shape): string {
  if (shape.kind === "list") return `[${shape.item ? shapeKey(shape.item) : ""}]`;
  if (shape.kind === "struct")
    return `{${[...shape.fields!].map(([name, field]) => `${JSON.stringify(name)}:${shapeKey(field)}`).join()}}`;
  return shape.kind;
}
