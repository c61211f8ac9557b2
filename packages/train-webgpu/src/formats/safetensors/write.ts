import { writeDurably } from "../files/durable-file.ts";
import { formatError } from "../format-error.ts";
import { tensorBytes } from "./dtype.ts";
import { buildHeader, layoutOrder, type TensorPlan } from "./header.ts";
import { INDEX_FILE, planShards, shardIndexJson } from "./shard-index.ts";

type TensorData = Uint8Array | AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** A tensor to be written: `data` is called once, when its turn comes, and gives its little-endian bytes. */
export interface TensorToWrite extends TensorPlan {
  data: () => TensorData | Promise<TensorData>;
}

const PYTORCH = { format: "pt" };

/**
 * Writes one safetensors file, streaming: one tensor's data at a time, to a temporary name that is synced and renamed.
 *
 * The layout is Hugging Face's (widest dtype first, then by name), so the same tensors give the same bytes.
 * Throws `ERR_SAFETENSORS` for data whose length is not its shape's; nothing is left behind then.
 *
 * @example
 * await writeSafetensors("model.safetensors", [{ name: "w", dtype: "F32", shape: [2], data: () => fromFloat32(w, "F32") }]);
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  { metadata = PYTORCH }: { metadata?: Record<string, string> } = {},
): Promise<void> {
  await writeDurably(path, fileBytes(path, tensors, metadata));
}

async function* fileBytes(path: string, tensors: readonly TensorToWrite[], metadata: Record<string, string>) {
  yield buildHeader(tensors, metadata);
  for (const { name, dtype, shape, data } of layoutOrder(tensors)) {
    const expected = tensorBytes(dtype, shape);
    let written = 0;
    const given = await data();
    for await (const chunk of given instanceof Uint8Array ? [given] : given) {
      written += chunk.length;
      if (written > expected!) break;
      yield chunk;
    }
    if (written !== expected) {
      const got = written > expected! ? `${written} or more` : written;
      throw formatError(
        "ERR_SAFETENSORS",
        `writeSafetensors: ${name} (${dtype} [${shape}]) of ${path} needs ${expected} bytes, got ${got}; check its data`,
      );
    }
  }
}

/**
 * Writes a model's tensors into an existing folder: `model.safetensors`, or shards of at most `maxShardBytes` and their index.
 *
 * Tensors are put into shards in the order given, the index comes last. Returns the names of the files written.
 */
export async function writeModelTensors(
  folder: string,
  tensors: readonly TensorToWrite[],
  { maxShardBytes = 5e9, metadata = PYTORCH }: { maxShardBytes?: number; metadata?: Record<string, string> } = {},
): Promise<string[]> {
  const { join } = await import("node:path");
  const shards = planShards(tensors, maxShardBytes);
  for (const { file, tensors } of shards) await writeSafetensors(join(folder, file), tensors, { metadata });
  if (shards.length > 1) await writeDurably(join(folder, INDEX_FILE), [shardIndexJson(shards)]);
  return [...shards.map(({ file }) => file), ...(shards.length > 1 ? [INDEX_FILE] : [])];
}
