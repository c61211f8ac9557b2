import { readParquet } from "../parquet/read-parquet.ts";
import type { Rows, UnparsedLine, UntypedRow } from "../rows.ts";
import { fileFormat } from "./file-format.ts";
import { parseJson } from "./json-array.ts";
import { parseJsonl, parseLater } from "./jsonl.ts";
import { readBytes } from "./read-bytes.ts";

/**
 * Rows of a file, or of several one after another, read afresh by each iteration with bounded memory. The ending names the format:
 * `.jsonl`, `.ndjson`, `.json` (an array), each also `.gz` or `.zst`, and `.parquet`.
 *
 * @throws SyntaxError for what is not JSON or not UTF-8, naming `path:line` (JSON Lines) or the row.
 * @example
 * for await (const row of readRows<DialogueRow>("dialogues.jsonl.gz")) console.log(row.messages.length);
 */
export function readRows<R extends object = UntypedRow>(
  path: string | string[],
  { columns }: { columns?: string[] } = {},
): Rows<R> {
  const paths = typeof path === "string" ? [path] : path;
  const files = paths.map((file) => ({ file, ...fileFormat(file, "readRows") }));
  const rows: Rows<R> = {
    async *[Symbol.asyncIterator]() {
      for (const { file, container, compression } of files) {
        if (container === "parquet") {
          yield* readParquet(file, "readRows", columns) as AsyncIterable<R>;
          continue;
        }
        const parse = container === "jsonl" ? parseJsonl : parseJson;
        for await (const row of parse(readBytes(file, compression, "readRows"), file, "readRows")) {
          yield (columns ? pick(row, columns) : row) as R;
        }
      }
    },
  };
  if (columns || files.some(({ container }) => container !== "jsonl")) return rows;
  async function* unparsedLines(): AsyncGenerator<UnparsedLine[]> {
    for (const { file, compression } of files) yield* parseLater(readBytes(file, compression, "readRows"), file, "readRows");
  }
  // Not for copies: whoever gives a copy other rows must not keep the lines.
  return Object.defineProperty(rows, "unparsedLines", { value: unparsedLines, enumerable: false });
}

function pick(row: Record<string, unknown>, columns: string[]): Record<string, unknown> {
  return Object.fromEntries(columns.filter((name) => name in row).map((name) => [name, row[name]]));
}
