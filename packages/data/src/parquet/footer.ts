import type { AsyncBuffer, ColumnMetaData, FileMetaData, SchemaElement, SchemaTree } from "hyparquet";
import { structEnd } from "./thrift-check.ts";

const MAGIC = "PAR1";

/** A leaf of the schema, which is a column of the file. */
export interface LeafColumn {
  element: SchemaElement;
  /** From the root to the leaf. */
  schemaPath: SchemaTree[];
  path: string[];
  /** How often a value may repeat and be absent on its way down: the largest levels. */
  repetition: number;
  definition: number;
}

/** The footer, once its lengths are known to fit the file and its parts each other. */
export async function readFooter(file: AsyncBuffer): Promise<{ metadata: FileMetaData; root: SchemaTree }> {
  const { parquetMetadata, parquetSchema } = await import("hyparquet");
  if (file.byteLength < 12) throw new RangeError(`${file.byteLength} bytes are too few`);
  const tail = new Uint8Array(await file.slice(file.byteLength - 8, file.byteLength));
  const magic = new TextDecoder().decode(tail.subarray(4));
  if (magic !== MAGIC) throw new RangeError(`ends with ${JSON.stringify(magic)}, not ${MAGIC}`);
  const size = new DataView(tail.buffer).getUint32(0, true);
  if (size + 12 > file.byteLength) throw new RangeError(`claims ${size} bytes of metadata in ${file.byteLength}`);
  const footer = await file.slice(file.byteLength - 8 - size, file.byteLength);
  structEnd(new Uint8Array(footer, 0, size), 0);
  const metadata = parquetMetadata(footer, { geoparquet: false });
  checkSchema(metadata);
  const root = parquetSchema(metadata);
  checkGroups(metadata, leafColumns(root));
  return { metadata, root };
}

function afterSubtree(schema: SchemaElement[], at: number): number {
  let next = at + 1;
  for (let left = schema[at]?.num_children ?? 0; left > 0 && next < schema.length; left--) next = afterSubtree(schema, next);
  return next;
}

function checkSchema({ schema, row_groups: groups }: FileMetaData): void {
  if (!Array.isArray(schema) || !Array.isArray(groups)) throw new RangeError("it has no schema or no row groups");
  if (schema.some((element) => typeof element?.name !== "string"))
    throw new RangeError("its schema has an element without a name");
  if (afterSubtree(schema, 0) !== schema.length) throw new RangeError(`the schema's tree has not ${schema.length} elements`);
}

/** Each group must have the schema's columns, in its order: a reader goes by their place. */
function checkGroups({ row_groups: groups }: FileMetaData, leaves: readonly LeafColumn[]): void {
  for (const [index, group] of groups.entries()) {
    const columns = group?.columns;
    if (!Array.isArray(columns) || columns.length !== leaves.length)
      throw new RangeError(`row group ${index} has ${columns?.length ?? "no"} columns, the schema ${leaves.length}`);
    const rows = Number(group.num_rows);
    if (rows > 0 && leaves.length === 0) throw new RangeError(`row group ${index} has rows, and no columns`);
    if (!Number.isSafeInteger(rows) || rows < 0 || rows > 2 ** 31)
      throw new RangeError(`row group ${index} claims ${group.num_rows} rows`);
    for (const [i, column] of columns.entries()) {
      const path: unknown = column?.meta_data?.path_in_schema;
      const name = leaves[i]!.path.join(".");
      if (!Array.isArray(path) || path.join(".") !== name) throw new RangeError(`row group ${index} lacks the column ${name}`);
    }
  }
}

/** The columns of a file, or of a part of it, in the order in which each row group holds them. */
export function leafColumns(root: SchemaTree): LeafColumn[] {
  const leaves: LeafColumn[] = [];
  const visit = (schemaPath: SchemaTree[], repetition: number, definition: number): void => {
    const { element, children, path } = schemaPath.at(-1)!;
    if (children.length === 0) {
      leaves.push({ element, schemaPath, path, repetition, definition });
      return;
    }
    for (const child of children) {
      const type = child.element.repetition_type;
      visit([...schemaPath, child], repetition + (type === "REPEATED" ? 1 : 0), definition + (type === "REQUIRED" ? 0 : 1));
    }
  };
  if (root.children.length > 0) visit([root], 0, 0);
  return leaves;
}

/** Where a column chunk lies, once that is known to be inside the file. */
export function chunkRange(column: ColumnMetaData, fileBytes: number): { start: number; end: number } {
  const start = Number(column.dictionary_page_offset || column.data_page_offset);
  const end = start + Number(column.total_compressed_size);
  if (!(start >= 4 && end >= start && end <= fileBytes)) throw new RangeError("it lies outside the file");
  return { start, end };
}
