import { transform } from "../pipe.ts";
import type { Transform } from "../rows.ts";
import { sha256 } from "../sha256.ts";
import { builtin } from "./node-builtins.ts";
import { readRows } from "./read-rows.ts";
import { writeRows } from "./write-rows.ts";

export interface CacheRowsOptions {
  /** Where the cached rows lie; made when it is not there. */
  folder: string;
  /** Everything that the rows depend on: the source's fingerprint, the tokenizer's, the options. Another key is another file. */
  key: unknown;
}

/**
 * Runs a stage once and keeps its rows in a file named by the key; from then on, also in later processes, they are read from there.
 * Only whole results are kept.
 *
 * @example
 * const key = [await fileFingerprint("ultrachat.jsonl"), tokenizer.fingerprint, 2048];
 * const rows = pipe(readRows("ultrachat.jsonl"), cacheRows({ folder: ".cache", key }, tokenizeDialogues(tokenizer, { maxLength: 2048 })));
 */
export function cacheRows<A, B extends object>({ folder, key }: CacheRowsOptions, stage: Transform<A, B>): Transform<A, B> {
  return transform(async function* (rows: AsyncIterable<A>) {
    const { promises: fs } = builtin("node:fs", "cacheRows");
    const path = builtin("node:path", "cacheRows").join(folder, `${sha256(JSON.stringify(key))}.jsonl`);
    const cached = await fs.stat(path).then(
      () => true,
      () => false,
    );
    if (!cached) {
      await fs.mkdir(folder, { recursive: true });
      await writeRows(path, stage(rows));
    }
    yield* readRows<B>(path);
  });
}

/** SHA-256 of a file's content, as 64 hex digits. */
export async function fileFingerprint(path: string): Promise<string> {
  const hash = builtin("node:crypto", "fileFingerprint").createHash("sha256");
  for await (const chunk of builtin("node:fs", "fileFingerprint").createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}
