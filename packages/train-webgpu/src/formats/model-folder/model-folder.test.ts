import { readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { initialWeights } from "../../init/initial-weights.ts";
import type { ModelConfig } from "../model-config/model-config.ts";
import { parseModelConfig } from "../model-config/parse-model-config.ts";
import { type FloatDtype, fromFloat32, toFloat32 } from "../safetensors/convert.ts";
import type { TensorToWrite } from "../safetensors/write.ts";
import { openModelFolder, saveModelFolder } from "./model-folder.ts";

const load = (name: string) =>
  parseModelConfig(JSON.parse(readFileSync(new URL(`../fixtures/${name}.config.json`, import.meta.url), "utf8")));
const tensors = (config: ModelConfig, dtype: FloatDtype = "F32", seed = 0): TensorToWrite[] =>
  [...initialWeights(config, seed)].map(({ name, shape, data }) => ({
    name,
    shape,
    dtype,
    data: () => fromFloat32(data, dtype),
  }));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "model-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("a model folder", () => {
  it.each(["mistral", "llama", "qwen2", "qwen3"])("%s is saved and opened again with the same weights", async (name) => {
    const config = load(name);
    const path = join(folder, "deep", "model");
    await mkdir(join(folder, "deep"));
    await saveModelFolder(path, { config, tensors: tensors(config) });
    await using model = await openModelFolder(path);
    expect(model.config).toEqual(config);
    expect(model).toMatchObject({ ignored: [], tokenizerFiles: [], generationConfig: undefined });
    for (const { name, data } of initialWeights(config, 0)) {
      expect(Buffer.from(await model.weights.read(name)).equals(Buffer.from(data.buffer)), name).toBe(true);
    }
    expect(await readdir(join(folder, "deep"))).toEqual(["model"]);
  });

  it("shards replace the single file of before and the other way round; a run's own files stay", async () => {
    const config = load("llama");
    const run = join(folder, "run");
    await mkdir(join(run, "checkpoint-5"), { recursive: true });
    await writeFile(join(run, "log_history.jsonl"), "{}\n");
    await saveModelFolder(run, { config, tensors: tensors(config, "F32", 1) });
    const single = ["checkpoint-5", "config.json", "log_history.jsonl", "model.safetensors"];
    expect((await readdir(run)).sort()).toEqual(single);
    await saveModelFolder(run, { config, tensors: tensors(config, "BF16", 2), maxShardBytes: 30_000 });
    const files = await readdir(run);
    expect(files).not.toContain("model.safetensors");
    expect(files.filter((file) => /^model-\d{5}-of-\d{5}\.safetensors$/.test(file)).length).toBeGreaterThan(2);
    {
      await using model = await openModelFolder(run);
      expect(model.config.raw["dtype"]).toBe("bfloat16");
      const { name, data } = [...initialWeights(config, 2)][0]!;
      const stored = toFloat32(await model.weights.read(name), "BF16");
      expect(stored.every((value, i) => Math.abs(value - data[i]!) <= Math.abs(data[i]!) / 256)).toBe(true);
    }
    await saveModelFolder(run, { config, tensors: tensors(config) });
    expect((await readdir(run)).sort()).toEqual(single);
  });

  it("tokenizer files and generation settings are carried along byte for byte, also read-only ones, and nothing else", async () => {
    const config = load("llama");
    const from = join(folder, "from");
    await saveModelFolder(from, { config, tensors: tensors(config) });
    await writeFile(join(from, "tokenizer.json"), '{"model": "é"}');
    await writeFile(join(from, "chat_template.jinja"), "{{ messages }}\r\n");
    await writeFile(join(from, "generation_config.json"), '{"eos_token_id": [2, 7]}');
    await writeFile(join(from, "secret.txt"), "not for others");
    await chmod(join(from, "tokenizer.json"), 0o444);
    const to = join(folder, "to");
    await saveModelFolder(to, { config, tensors: tensors(config), copyFrom: from });
    await saveModelFolder(to, { config, tensors: tensors(config), copyFrom: from });
    const expected = ["chat_template.jinja", "config.json", "generation_config.json", "model.safetensors", "tokenizer.json"];
    expect((await readdir(to)).sort()).toEqual(expected);
    expect(await readFile(join(to, "chat_template.jinja"), "utf8")).toBe("{{ messages }}\r\n");
    await using model = await openModelFolder(to);
    expect(model.tokenizerFiles).toEqual(["tokenizer.json", "chat_template.jinja"]);
    expect(model.generationConfig).toEqual({ eos_token_id: [2, 7] });
  });

  it("a folder can be saved over itself while its weights are read from it", async () => {
    const config = load("llama");
    await saveModelFolder(join(folder, "m"), { config, tensors: tensors(config) });
    await using model = await openModelFolder(join(folder, "m"));
    const same = [...model.weights.tensors].map(([name, { dtype, shape }]) => ({
      name,
      dtype,
      shape,
      data: () => model.weights.readChunks(name, 999),
    }));
    await saveModelFolder(join(folder, "m"), { config, tensors: same });
    await using again = await openModelFolder(join(folder, "m"));
    expect(await again.weights.read("model.norm.weight")).toEqual(await model.weights.read("model.norm.weight"));
  });

  it("an error in the middle of saving changes nothing", async () => {
    const config = load("llama");
    await saveModelFolder(folder, { config, tensors: tensors(config) });
    const before = await readFile(join(folder, "model.safetensors"));
    const failing = tensors(config, "F32", 9).map((tensor, i) =>
      i === 5 ? { ...tensor, data: () => Promise.reject(new Error("device lost")) } : tensor,
    );
    for (const path of [folder, join(folder, "new")]) {
      await expect(saveModelFolder(path, { config, tensors: failing })).rejects.toThrow("device lost");
    }
    expect((await readdir(folder)).sort()).toEqual(["config.json", "model.safetensors"]);
    expect((await readFile(join(folder, "model.safetensors"))).equals(before)).toBe(true);
  });

  it("tensors of another model, or of mixed types, are not saved", async () => {
    const config = load("llama");
    const path = join(folder, "x");
    await expect(saveModelFolder(path, { config, tensors: tensors(load("qwen2")) })).rejects.toMatchObject({
      code: "ERR_MODEL_CONFIG",
    });
    const mixed = tensors(config).map((tensor, i) => (i ? tensor : { ...tensor, dtype: "BF16" as const }));
    await expect(saveModelFolder(path, { config, tensors: mixed })).rejects.toThrow(/BF16, F32/);
    expect(await readdir(folder)).toEqual([]);
  });

  it("what is no model is refused with advice", async () => {
    await expect(openModelFolder(join(folder, "none"))).rejects.toMatchObject({ code: "ERR_MODEL_FOLDER" });
    await expect(openModelFolder(folder)).rejects.toThrow(/no config.json/);
    await writeFile(join(folder, "adapter_config.json"), "{}");
    await expect(openModelFolder(folder)).rejects.toThrow(/holds an adapter/);
    await writeFile(join(folder, "config.json"), '{"model_type": "llama", ');
    await expect(openModelFolder(folder)).rejects.toThrow(/config.json is not the UTF-8 JSON/);
    await writeFile(join(folder, "config.json"), "[]");
    await expect(openModelFolder(folder)).rejects.toThrow(/no JSON object/);
  });

  it("a config that fits other weights is refused with names and shapes", async () => {
    const config = load("llama");
    await saveModelFolder(folder, { config, tensors: tensors(config) });
    await writeFile(join(folder, "config.json"), JSON.stringify({ ...config.raw, intermediate_size: 65 }));
    await expect(openModelFolder(folder)).rejects.toThrow(/gate_proj.weight" is \[64,32\], needs \[65,32\]/);
  });
});
