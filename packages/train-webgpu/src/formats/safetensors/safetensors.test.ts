import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { blobSource } from "../files/byte-source.ts";
import { fromFloat32, toFloat32 } from "./convert.ts";
import { openSafetensors, safetensorsFromSources } from "./read.ts";
import { INDEX_FILE } from "./shard-index.ts";
import { type TensorToWrite, writeModelTensors, writeSafetensors } from "./write.ts";

const ADAPTER = fileURLToPath(new URL("../fixtures/initial_adapter/adapter_model.safetensors", import.meta.url));
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "safetensors-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const ramp = (name: string, shape: number[], dtype: "F32" | "BF16" = "F32"): TensorToWrite => ({
  name,
  dtype,
  shape,
  data: () =>
    fromFloat32(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i),
      dtype,
    ),
});

describe("openSafetensors", () => {
  it("a file of PEFT's, read and written again, is the same byte for byte", async () => {
    await using source = await openSafetensors(ADAPTER);
    const tensors = [...source.tensors].map(([name, { dtype, shape }]) => ({
      name,
      dtype,
      shape,
      data: () => source.readChunks(name, 1000),
    }));
    const path = join(folder, "copy.safetensors");
    await writeSafetensors(path, tensors.reverse(), { metadata: source.metadata });
    expect((await readFile(path)).equals(await readFile(ADAPTER))).toBe(true);
    expect(await readdir(folder)).toEqual(["copy.safetensors"]);
  });

  it("chunks hold whole elements, at most as many bytes as asked, and all of them", async () => {
    const path = join(folder, "a.safetensors");
    await writeSafetensors(path, [ramp("w", [7, 9], "BF16"), ramp("empty", [0, 3])]);
    await using file = await openSafetensors(path);
    for (const chunkBytes of [2, 3, 7, 64, 125, 126, 1000]) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of file.readChunks("w", chunkBytes)) chunks.push(chunk);
      expect(chunks.every((chunk) => chunk.length % 2 === 0 && chunk.length <= chunkBytes)).toBe(true);
      expect([...toFloat32(Buffer.concat(chunks), "BF16")]).toEqual(Array.from({ length: 63 }, (_, i) => i));
    }
    expect((await file.read("empty")).length).toBe(0);
    for await (const chunk of file.readChunks("empty", 4)) expect.fail(`a chunk of ${chunk.length} bytes`);
    await expect(file.readChunks("w", 1)[Symbol.asyncIterator]().next()).rejects.toThrow(RangeError);
    await expect(file.read("v")).rejects.toThrow(/no tensor "v"/);
  });

  it("shards are written as Hugging Face names them, and read as one checkpoint", async () => {
    const tensors = ["c", "a", "b", "d"].map((name) => ramp(name, [10]));
    const files = await writeModelTensors(folder, tensors, { maxShardBytes: 80 });
    expect(files).toEqual(["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", INDEX_FILE]);
    const index = JSON.parse(await readFile(join(folder, INDEX_FILE), "utf8"));
    expect(index.metadata.total_size).toBe(160);
    expect(index.weight_map).toEqual({ a: files[0], b: files[1], c: files[0], d: files[1] });
    await using checkpoint = await openSafetensors(folder);
    expect([...checkpoint.tensors.keys()].sort()).toEqual(["a", "b", "c", "d"]);
    expect(toFloat32(await checkpoint.read("d"), "F32")[9]).toBe(9);
  });

  it("a tensor larger than a shard gets its own", async () => {
    const files = await writeModelTensors(folder, [ramp("a", [1]), ramp("b", [100]), ramp("c", [1])], { maxShardBytes: 8 });
    expect(files.length).toBe(4);
  });

  it("the browser's blobs are read the same way", async () => {
    const blob = new Blob([await readFile(ADAPTER)]);
    await using checkpoint = await safetensorsFromSources([blobSource(blob)]);
    await using same = await openSafetensors(ADAPTER);
    const name = [...same.tensors.keys()][5]!;
    expect(await checkpoint.read(name)).toEqual(await same.read(name));
  });

  const INDEX = (map: Record<string, unknown>) => JSON.stringify({ metadata: {}, weight_map: map });
  it.each([
    ["a path out of the folder", INDEX({ a: "../secret.safetensors" }), /plain name/],
    ["an absolute path", INDEX({ a: "/etc/passwd.safetensors" }), /plain name/],
    ["another kind of file", INDEX({ a: "pytorch_model.bin" }), /plain name/],
    ["a shard that is missing", INDEX({ a: "model-00001-of-00002.safetensors", z: "none.safetensors" }), /none\.safetensors/],
    ["a tensor that its shard lacks", INDEX({ a: "x.safetensors", b: "x.safetensors", z: "x.safetensors" }), /"z" is missing/],
    ["a shard with a tensor it does not name", INDEX({ a: "x.safetensors" }), /"b" stands in/],
    ["no map", "{}", /weight_map/],
    ["an empty map", INDEX({}), /weight_map/],
    ["a name twice", '{"weight_map":{"a":"x.safetensors","a":"y.safetensors"}}', /JSON/],
  ])("an index with %s is refused", async (_, index, message) => {
    await writeSafetensors(join(folder, "x.safetensors"), [ramp("a", [1]), ramp("b", [1])]);
    await writeSafetensors(join(folder, "model-00001-of-00002.safetensors"), [ramp("a", [1])]);
    await writeFile(join(folder, INDEX_FILE), index);
    await expect(openSafetensors(folder)).rejects.toThrow(message);
    await expect(openSafetensors(folder)).rejects.toMatchObject({ code: "ERR_SAFETENSORS" });
  });

  it("a truncated file is refused when opened, and noticed when it shrinks later", async () => {
    const path = join(folder, "model.safetensors");
    await writeSafetensors(path, [ramp("a", [100])]);
    await using open = await openSafetensors(path);
    await truncate(path, (await readFile(path)).length - 1);
    await expect(openSafetensors(folder)).rejects.toThrow(/past the end/);
    await expect(open.read("a")).rejects.toThrow(/shrank/);
  });

  it("an empty folder and a path to nothing are refused", async () => {
    await expect(openSafetensors(folder)).rejects.toThrow(/neither/);
    await expect(openSafetensors(join(folder, "none"))).rejects.toMatchObject({ code: "ERR_SAFETENSORS" });
  });
});

describe("writeSafetensors", () => {
  it.each([
    ["too little", 3],
    ["too much", 5],
  ])("data that is %s leaves neither a file nor a change to the old one", async (_, length) => {
    const path = join(folder, "model.safetensors");
    await writeFile(path, "old");
    const wrong = { ...ramp("a", [1]), data: () => new Uint8Array(length) };
    await expect(writeSafetensors(path, [wrong])).rejects.toMatchObject({ code: "ERR_SAFETENSORS" });
    expect(await readdir(folder)).toEqual(["model.safetensors"]);
    expect(await readFile(path, "utf8")).toBe("old");
  });

  it("an error in the middle of the data leaves nothing behind, and reaches the caller", async () => {
    const broken = {
      ...ramp("b", [2]),
      data: async function* () {
        yield new Uint8Array(4);
        throw new Error("device lost");
      },
    };
    await expect(writeSafetensors(join(folder, "m.safetensors"), [ramp("a", [9]), broken])).rejects.toThrow("device lost");
    expect(await readdir(folder)).toEqual([]);
  });

  it("each tensor's data is asked for once, in the order of the file, one at a time", async () => {
    const asked: string[] = [];
    const track = (name: string): TensorToWrite => ({ ...ramp(name, [2]), data: () => new Uint8Array(asked.push(name) && 8) });
    await writeSafetensors(join(folder, "m.safetensors"), ["b", "c", "a"].map(track));
    expect(asked).toEqual(["a", "b", "c"]);
  });
});
