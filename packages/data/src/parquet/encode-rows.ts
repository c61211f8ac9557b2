import { isRow } from "../files/jsonl.ts";
import { type ColumnContext, ColumnWriter, type PendingChunk, type SharedPages } from "./column-writer.ts";
import { fitsInteger, isPlain, isUnicode, leafType, type Shape } from "./shape.ts";

/**
 * Turns a value of one node of the schema into entries of the columns below it. `repetition` says at which list the value repeats,
 * `definition` how much of the path above it is there; both are Dremel's levels.
 */
interface Encoder {
  /** False when the value does not fit the shape; the row must then be taken back. */
  write(value: unknown, repetition: number, definition: number): boolean;
  absent(repetition: number, definition: number): void;
}

interface Place {
  path: string[];
  repetition: number;
  definition: number;
}

/** The columns of a row group, and the pages whose bytes go back to the pool when all is written. */
export interface EncodedGroup {
  chunks: PendingChunk[];
  pages: SharedPages;
}

/** Turns rows of one shape into columns. */
export interface RowEncoder {
  /** Appends a row; false, and nothing is appended, when the shape does not hold it or JSON would change it. */
  append(row: object): boolean;
  /** The columns of the rows since the last call. */
  endGroup(): EncodedGroup;
}

/** Makes the encoder of a shape, which must not become wider as long as the encoder is used. */
export function rowEncoder(shape: Shape, context: ColumnContext): RowEncoder {
  const columns: ColumnWriter[] = [];
  const encoder = structEncoder(shape, { path: [], repetition: 0, definition: -1 }, context, columns);
  return {
    endGroup: () => {
      const chunks = columns.map((column) => column.endChunk());
      return { chunks, pages: context.shared.splice(0) };
    },
    append: (row) => {
      if (!isRow(row)) return false;
      for (const column of columns) column.startRow();
      if (!encoder.write(row, 0, -1)) {
        for (const column of columns) column.undoRow();
        return false;
      }
      for (const column of columns) column.endRow();
      return true;
    },
  };
}

function encoderOf(shape: Shape, place: Place, context: ColumnContext, columns: ColumnWriter[]): Encoder {
  if (shape.kind === "list") return listEncoder(shape, place, context, columns);
  if (shape.kind === "struct" && shape.fields && shape.fields.size > 0) return structEncoder(shape, place, context, columns);
  const column = new ColumnWriter({ ...place, type: leafType(shape), definition: place.definition + 1 }, context);
  columns.push(column);
  return leafEncoder(shape, column);
}

function leafEncoder(shape: Shape, column: ColumnWriter): Encoder {
  /** Whether the column holds the value as it is. */
  const holds: (value: unknown) => boolean =
    shape.kind === "boolean"
      ? (value) => typeof value === "boolean"
      : shape.kind === "integer"
        ? (value) => typeof value === "number" && fitsInteger(value)
        : shape.kind === "number"
          ? (value) => typeof value === "number" && Number.isFinite(value)
          : shape.kind === "string"
            ? (value) => typeof value === "string" && isUnicode(value) && (shape.nothing === undefined || value === shape.nothing)
            : () => false;
  return {
    absent: (repetition, definition) => column.absent(repetition, definition),
    write: (value, repetition, definition) => {
      if (value === null || value === undefined) column.absent(repetition, definition);
      else if (holds(value)) column.present(value as string | number | boolean, repetition);
      else if (shape.kind === "string" && shape.nothing === undefined && typeof value === "number" && Number.isFinite(value))
        column.present(String(value), repetition);
      else if (shape.kind === "struct" && isEmpty(value)) column.absent(repetition, definition);
      else return false;
      return true;
    },
  };
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0 && isPlain(value);
}

function listEncoder(shape: Shape, place: Place, context: ColumnContext, columns: ColumnWriter[]): Encoder {
  const path = [...place.path, "list", "element"];
  const inside = { path, repetition: place.repetition + 1, definition: place.definition + 2 };
  const item = encoderOf(shape.item ?? { kind: "empty" }, inside, context, columns);
  return {
    absent: (repetition, definition) => item.absent(repetition, definition),
    write: (value, repetition, definition) => {
      if (value === null || value === undefined) item.absent(repetition, definition);
      else if (value === "None") item.absent(repetition, definition + 1);
      else if (!Array.isArray(value)) return false;
      else if (value.length === 0) item.absent(repetition, definition + 1);
      else {
        if (shape.nothing !== undefined) return false;
        for (let i = 0; i < value.length; i++) {
          const entry: unknown = value[i];
          if (entry === undefined || !item.write(entry, i === 0 ? repetition : inside.repetition, definition + 2)) return false;
        }
      }
      return true;
    },
  };
}

function structEncoder(shape: Shape, place: Place, context: ColumnContext, columns: ColumnWriter[]): Encoder {
  const names = [...shape.fields!.keys()];
  const fields = [...shape.fields!].map(([name, field]) => {
    const inside = { path: [...place.path, name], repetition: place.repetition, definition: place.definition + 1 };
    return encoderOf(field, inside, context, columns);
  });
  const places = new Map(names.map((name, i) => [name, i]));
  const absent = (repetition: number, definition: number): void => {
    for (const field of fields) field.absent(repetition, definition);
  };
  /** Which fields the present value has: those that hold the number of the present call. */
  const seen = new Float64Array(names.length);
  let call = 0;
  return {
    absent,
    write: (value, repetition, definition) => {
      if (value === null || value === undefined) {
        absent(repetition, definition);
        return true;
      }
      if (typeof value !== "object") return false;
      if (Array.isArray(value)) {
        if (value.length > 0) return false;
        absent(repetition, definition);
        return true;
      }
      call++;
      const keys = Object.keys(value);
      if (keys.length === 0 && !isPlain(value)) return false;
      for (let i = 0; i < keys.length; i++) {
        const key = keys[i]!;
        const at = names[i] === key ? i : places.get(key);
        if (at === undefined) return false;
        seen[at] = call;
        if (!fields[at]!.write((value as Record<string, unknown>)[key], repetition, definition + 1)) return false;
      }
      if (keys.length < names.length)
        for (let at = 0; at < fields.length; at++) if (seen[at] !== call) fields[at]!.absent(repetition, definition + 1);
      return true;
    },
  };
}
