import { type ByteSource, fileSource } from "../files/byte-source.ts";
import { formatError, quote } from "../format-error.ts";
import { dtypeBits } from "./dtype.ts";
import { headerBytes, parseHeader, type TensorLocation } from "./header.ts";
import { INDEX_FILE, parseShardIndex, type ShardIndex } from "./shard-index.ts";

/** A tensor of a checkpoint: its type, its shape and the bytes of the file it lies in. */
export interface StoredTensor extends TensorLocation {
  file: string;
}

/** An open checkpoint: what it holds is known, its data is read on demand. */
export interface Safetensors {
  /** By name, in the order of the files. */
  tensors: Map<string, StoredTensor>;
  metadata: Record<string, string>;
  /** All bytes of one tensor. */
  read(name: string): Promise<Uint8Array<ArrayBuffer>>;
  /** The bytes of one tensor in order, at most `chunkBytes` at a time (whole elements); only one chunk is held. */
  readChunks(name: string, chunkBytes: number): AsyncIterable<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens a safetensors file, or the checkpoint of a folder: `model.safetensors`, else the shards of `model.safetensors.index.json`.
 *
 * Reads and checks the headers only. Throws `ERR_SAFETENSORS` for anything false in them, with the file and the tensor.
 *
 * @example
 * await using checkpoint = await openSafetensors("path/to/zephyr-7b-sft");
 * for await (const chunk of checkpoint.readChunks("lm_head.weight", 64 << 20)) upload(chunk);
 */
export async function openSafetensors(pathOrFolder: string): Promise<Safetensors> {
  const { stat, readFile } = await import("node:fs/promises");
  const { join } = await import("node:path");
  const kind = await stat(pathOrFolder).catch((cause) => {
    throw formatError(
      "ERR_SAFETENSORS",
      `openSafetensors: ${pathOrFolder} cannot be opened; give a .safetensors file or a model folder`,
      cause,
    );
  });
  if (!kind.isDirectory()) return safetensorsFromSources([await fileSource(pathOrFolder)]);
  const single = join(pathOrFolder, "model.safetensors");
  if (await exists(single)) return safetensorsFromSources([await fileSource(single)]);
  const indexPath = join(pathOrFolder, INDEX_FILE);
  if (!(await exists(indexPath))) {
    throw formatError(
      "ERR_SAFETENSORS",
      `openSafetensors: ${pathOrFolder} has neither model.safetensors nor ${INDEX_FILE}; give a folder that does`,
    );
  }
  const index = parseShardIndex(await readFile(indexPath), indexPath);
  return safetensorsFromSources(await openAll(index.files, pathOrFolder), index);
}

async function exists(path: string): Promise<boolean> {
  const { stat } = await import("node:fs/promises");
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function openAll(files: string[], folder: string): Promise<ByteSource[]> {
  const { join } = await import("node:path");
  const sources: ByteSource[] = [];
  try {
    for (const file of files) sources.push(await fileSource(join(folder, file)));
    return sources;
  } catch (cause) {
    await closeAll(sources);
    const missing = quote(files[sources.length] ?? "");
    throw formatError(
      "ERR_SAFETENSORS",
      `openSafetensors: shard ${missing} of ${folder} cannot be opened; get the missing file`,
      cause,
    );
  }
}

const closeAll = async (sources: ByteSource[]) => void (await Promise.all(sources.map((source) => source.close())));

/**
 * The same from any byte sources (in the browser: `blobSource`); takes them over, and closes them if they are refused.
 * With an index, the shards must hold exactly the tensors it names.
 */
export async function safetensorsFromSources(sources: ByteSource[], index?: ShardIndex): Promise<Safetensors> {
  try {
    return await indexSources(sources, index);
  } catch (error) {
    await closeAll(sources);
    throw error;
  }
}

async function indexSources(sources: ByteSource[], index: ShardIndex | undefined): Promise<Safetensors> {
  const tensors = new Map<string, StoredTensor>();
  const owners = new Map<string, ByteSource>();
  const metadata: Record<string, string> = {};
  for (const [position, source] of sources.entries()) {
    const length = headerBytes(await source.read(0, Math.min(8, source.size)), source.size, source.name);
    const header = parseHeader(await source.read(0, length), source.size, source.name);
    Object.assign(metadata, header.metadata);
    for (const [name, location] of header.tensors) {
      const owner = owners.get(name);
      if (owner) throw refuse(`tensor ${quote(name)} stands in ${owner.name} and again in ${source.name}`);
      if (index && index.weightMap.get(name) !== index.files[position]) {
        throw refuse(
          `tensor ${quote(name)} stands in ${source.name}, the index puts it in ${quote(index.weightMap.get(name) ?? "no file")}`,
        );
      }
      owners.set(name, source);
      tensors.set(name, { ...location, file: source.name });
    }
  }
  for (const [name, file] of index?.weightMap ?? []) {
    if (!tensors.has(name)) throw refuse(`tensor ${quote(name)} is missing in ${quote(file)}, where the index puts it`);
  }
  return openCheckpoint(tensors, owners, metadata, sources);
}

const refuse = (what: string) => formatError("ERR_SAFETENSORS", `openSafetensors: ${what}; get the checkpoint anew`);

function openCheckpoint(
  tensors: Map<string, StoredTensor>,
  owners: Map<string, ByteSource>,
  metadata: Record<string, string>,
  sources: ByteSource[],
): Safetensors {
  const locate = (name: string): [StoredTensor, ByteSource] => {
    const tensor = tensors.get(name);
    if (!tensor) {
      throw formatError(
        "ERR_SAFETENSORS",
        `read: no tensor ${quote(name)} among the ${tensors.size} of ${sources[0]?.name}; check the name`,
      );
    }
    return [tensor, owners.get(name)!];
  };
  const close = () => closeAll(sources);
  return {
    tensors,
    metadata,
    read: async (name) => {
      const [{ begin, end }, source] = locate(name);
      return source.read(begin, end);
    },
    readChunks: async function* (name, chunkBytes) {
      const [{ begin, end, dtype }, source] = locate(name);
      const unit = Math.ceil(dtypeBits(dtype) / 8);
      if (!(chunkBytes >= unit))
        throw new RangeError(`readChunks: chunkBytes is ${chunkBytes}, an element of ${name} needs ${unit}; give more`);
      const chunk = Math.floor(chunkBytes / unit) * unit;
      for (let at = begin; at < end; at += chunk) yield await source.read(at, Math.min(end, at + chunk));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
