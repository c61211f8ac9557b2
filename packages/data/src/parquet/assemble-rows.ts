import type { SchemaTree } from "hyparquet";
import type { ColumnReader } from "./column-reader.ts";
import { plain } from "./page-values.ts";

/** Reads the values of one node of the schema, from the columns below it, in the order of their entries. */
interface NodeReader {
  read(): unknown;
  /** Goes past one entry of each column, which says only that there is nothing. */
  skip(): void;
  /** The first column below the node: by its levels all of them go. */
  first: ColumnReader;
}

/** Makes the function that reads the next row from the columns; each must have one ready. */
export async function rowReader(root: SchemaTree, columns: readonly ColumnReader[]): Promise<() => Record<string, unknown>> {
  const { isListLike, isMapLike } = await import("hyparquet/src/schema.js");
  const { decodeVariantColumn } = await import("hyparquet/src/variant.js");
  let next = 0;

  function nodeReader(node: SchemaTree, repetition: number, definition: number): NodeReader {
    const type = node.element.repetition_type;
    if (type !== "REPEATED") return valueReader(node, repetition, definition + (type === "REQUIRED" ? 0 : 1));
    return listReader(valueReader(node, repetition + 1, definition + 1), repetition + 1, definition);
  }

  function valueReader(node: SchemaTree, repetition: number, definition: number): NodeReader {
    if (node.children.length === 0) return leafReader(columns[next++]!);
    if (isList(node)) {
      const [repeated] = node.children as [SchemaTree];
      const [element] = repeated.children;
      const item =
        repeated.children.length === 1
          ? nodeReader(element!, repetition + 1, definition + 1)
          : valueReader(repeated, repetition + 1, definition + 1);
      return listReader(item, repetition + 1, definition);
    }
    if (isMapLike(node)) {
      const entry = structReader(node.children[0]!, repetition + 1, definition + 1);
      return mapReader(listReader(entry, repetition + 1, definition));
    }
    const struct = structReader(node, repetition, definition);
    if (node.element.logical_type?.type !== "VARIANT") return struct;
    const name = node.element.name;
    return { ...struct, read: () => plain(decodeVariantColumn(struct.read()), name) };
  }

  function isList(node: SchemaTree): boolean {
    return (
      isListLike(node) ||
      (node.element.logical_type?.type === "LIST" &&
        isListLike({ ...node, element: { ...node.element, converted_type: "LIST" } }))
    );
  }

  function structReader(node: SchemaTree, repetition: number, definition: number): NodeReader {
    const names = node.children.map(({ element }) => element.name);
    const fields = node.children.map((child) => nodeReader(child, repetition, definition));
    return {
      first: fields[0]!.first,
      skip: () => skipAll(fields),
      read: () => {
        if (fields[0]!.first.definition() < definition) {
          skipAll(fields);
          return null;
        }
        return readFields(names, fields);
      },
    };
  }

  const names = root.children.map(({ element }) => element.name);
  const fields = root.children.map((child) => nodeReader(child, 0, 0));
  const repeated = columns.filter(({ leaf }) => leaf.repetition > 0);
  return () => {
    const row = readFields(names, fields);
    for (const column of repeated) {
      if (!column.startsRow()) throw new RangeError(`column ${column.leaf.path.join(".")} has other lists than those beside it`);
    }
    return row;
  };
}

function skipAll(readers: readonly NodeReader[]): void {
  for (const reader of readers) reader.skip();
}

/** An object of the fields that are there: a null is left out, as it is in JSON Lines. */
function readFields(names: readonly string[], fields: readonly NodeReader[]): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (let i = 0; i < fields.length; i++) {
    const value = fields[i]!.read();
    if (value === null) continue;
    const name = names[i]!;
    if (name === "__proto__")
      Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
    else object[name] = value;
  }
  return object;
}

function leafReader(column: ColumnReader): NodeReader {
  return { first: column, skip: () => column.skip(), read: () => column.read() };
}

/** `repetition` is the level of the list's entries, `definition` that of the list itself: one more, and it has an entry. */
function listReader(item: NodeReader, repetition: number, definition: number): NodeReader {
  const { first } = item;
  return {
    first,
    skip: () => item.skip(),
    read: () => {
      const level = first.definition();
      if (level <= definition) {
        item.skip();
        return level < definition ? null : [];
      }
      const list = [item.read()];
      while (first.repeats(repetition)) list.push(item.read());
      return list;
    },
  };
}

function mapReader(entries: NodeReader): NodeReader {
  return {
    ...entries,
    read: () => {
      const list = entries.read() as { key?: unknown; value?: unknown }[] | null;
      return list && Object.fromEntries(list.map(({ key, value }) => [String(key), value ?? null]));
    },
  };
}
