import { formatError, quote } from "../format-error.ts";
import { pythonJson } from "../json/python-json.ts";
import { isJsonObject, type JsonValue, strictJson } from "../json/strict-json.ts";
import { tensorBytes } from "./dtype.ts";
import type { TensorPlan } from "./header.ts";

export const INDEX_FILE = "model.safetensors.index.json";

/** Which shard holds which tensor. */
export interface ShardIndex {
  /** Plain file names, sorted. */
  files: string[];
  weightMap: Map<string, string>;
}

/**
 * Parses `model.safetensors.index.json`. Shards must be plain names beside it: an index never reaches outside its folder.
 *
 * Throws `ERR_SAFETENSORS`.
 */
export function parseShardIndex(bytes: Uint8Array, where: string): ShardIndex {
  const weights = parseWeightMap(bytes, where);
  const weightMap = new Map<string, string>();
  for (const [name, file] of Object.entries(weights)) {
    if (typeof file !== "string" || !/^[\w][\w.-]*\.safetensors$/.test(file)) {
      throw refuse(
        where,
        `tensor ${quote(name)} lies in ${quote(JSON.stringify(file))}, which is no plain name of a .safetensors file`,
      );
    }
    weightMap.set(name, file);
  }
  return { files: [...new Set(weightMap.values())].sort(), weightMap };
}

const refuse = (where: string, what: string, cause?: unknown) =>
  formatError("ERR_SAFETENSORS", `parseShardIndex: ${what}; ${where} is damaged`, cause);

function parseWeightMap(bytes: Uint8Array, where: string): Record<string, JsonValue> {
  let json: JsonValue;
  try {
    json = strictJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw refuse(where, "it is not the UTF-8 JSON it should be", cause);
  }
  const weights = isJsonObject(json) ? json["weight_map"] : undefined;
  if (!isJsonObject(weights) || Object.keys(weights).length === 0)
    throw refuse(where, "it has no weight_map that names a tensor");
  return weights;
}

/**
 * Splits tensors, in the order given, into shards of at most `maxShardBytes` of data; a larger tensor gets a shard to itself.
 *
 * File names are Hugging Face's: `model.safetensors`, or `model-00001-of-00003.safetensors` and so on.
 */
export function planShards<T extends TensorPlan>(plans: readonly T[], maxShardBytes: number): { file: string; tensors: T[] }[] {
  if (!(maxShardBytes > 0))
    throw new RangeError(`planShards: maxShardBytes is ${maxShardBytes}; give a positive number of bytes`);
  const shards: T[][] = [[]];
  let filled = 0;
  for (const plan of plans) {
    const bytes = tensorBytes(plan.dtype, plan.shape) ?? Number.POSITIVE_INFINITY;
    if (filled > 0 && filled + bytes > maxShardBytes) {
      shards.push([]);
      filled = 0;
    }
    shards.at(-1)!.push(plan);
    filled += bytes;
  }
  const number = (n: number) => String(n).padStart(5, "0");
  const name = (i: number) =>
    shards.length === 1 ? "model.safetensors" : `model-${number(i + 1)}-of-${number(shards.length)}.safetensors`;
  return shards.map((tensors, i) => ({ file: name(i), tensors }));
}

/** The text of `model.safetensors.index.json` for such shards. */
export function shardIndexJson(shards: { file: string; tensors: TensorPlan[] }[]): string {
  const tensors = shards.flatMap((shard) => shard.tensors);
  const totalSize = tensors.reduce((sum, { dtype, shape }) => sum + (tensorBytes(dtype, shape) ?? 0), 0);
  const weightMap = Object.fromEntries(shards.flatMap(({ file, tensors }) => tensors.map(({ name }) => [name, file])));
  return pythonJson({ metadata: { total_size: totalSize }, weight_map: weightMap });
}
