import { execFile, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { initialLora } from "../init/initial-lora.ts";
import { initialWeights } from "../init/initial-weights.ts";
import { loraScaling } from "./adapter/adapter-config.ts";
import { ADAPTER_WEIGHTS_FILE, adapterTensorNames, readAdapter, saveAdapter } from "./adapter/adapter-folder.ts";
import { matchTargetModules } from "./adapter/target-modules.ts";
import type { ModelConfig } from "./model-config/model-config.ts";
import { parseModelConfig } from "./model-config/parse-model-config.ts";
import { inverseFrequencies } from "./model-config/rope.ts";
import { openModelFolder, saveModelFolder } from "./model-folder/model-folder.ts";
import { fromFloat32 } from "./safetensors/convert.ts";

// ZEPHYR_PYTHON names a Python that has transformers and peft; "python3" unless set.
const python = process.env["ZEPHYR_PYTHON"] ?? "python3";
const probe = 'import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, ("torch", "transformers", "peft"))))';
const absent = spawnSync(python, ["-c", probe]).status !== 0;

const raw = (name: string) => JSON.parse(readFileSync(new URL(`./fixtures/${name}.config.json`, import.meta.url), "utf8"));
const LLAMA3 = { rope_type: "llama3", factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 64 };
const MODELS: Record<string, Record<string, unknown>> = {
  mistral: raw("mistral"),
  "mistral-legacy": { ...raw("mistral-legacy"), sliding_window: null },
  llama: raw("llama"),
  "llama-3.1": {
    ...raw("llama"),
    rope_parameters: { ...LLAMA3, rope_theta: 500000 },
    attention_bias: true,
    mlp_bias: true,
    tie_word_embeddings: false,
  },
  qwen2: raw("qwen2"),
  "qwen2-window": {
    ...raw("qwen2"),
    use_sliding_window: true,
    sliding_window: 16,
    max_window_layers: 1,
    layer_types: null,
    eos_token_id: [2, 5],
  },
  qwen3: raw("qwen3"),
  "qwen3-bias": { ...raw("qwen3"), attention_bias: true, tie_word_embeddings: false },
};

interface Facts {
  missing: string[];
  unexpected: string[];
  parameters: [string, number[], string][];
  inverse_frequencies: number[];
  windows: (number | null)[];
  eos_token_id: number | number[];
  adapter: Record<string, string>;
  scalings: number[];
}

let root: string;
let facts: Record<string, Facts>;
const configs = new Map<string, ModelConfig>();
const digest = (data: Float32Array) => createHash("sha256").update(new Uint8Array(data.buffer)).digest("hex");

beforeAll(async () => {
  if (absent) return;
  root = await mkdtemp(join(tmpdir(), "huggingface-"));
  for (const [name, json] of Object.entries(MODELS)) {
    const config = parseModelConfig(json);
    configs.set(name, config);
    const tensors = [...initialWeights(config, 1)].map(({ name, shape, data }) => ({
      name,
      shape,
      dtype: "F32" as const,
      data: () => fromFloat32(data, "F32"),
    }));
    await saveModelFolder(join(root, name), { config, tensors, ...(name === "llama" && { maxShardBytes: 40_000 }) });
    const targets = name === "qwen2" ? (["q_proj", "down_proj"] as const) : "all-linear";
    const modules = matchTargetModules(config, targets);
    const matrices = new Map(modules.map((module) => [module.module, initialLora(module.module, { ...module, r: 4 }, 2)]));
    for (const { loraB } of matrices.values()) loraB.fill(0.5);
    const targetModules = targets === "all-linear" ? modules.map(({ module }) => module) : [...targets];
    const adapter = { r: 4, loraAlpha: 6, loraDropout: 0, useRslora: name === "qwen3", targetModules, baseModel: name, raw: {} };
    await saveAdapter(join(root, name, "adapter"), { config: adapter, matrices });
  }
  const script = fileURLToPath(new URL("./fixtures/load_and_save.py", import.meta.url));
  const { stdout } = await promisify(execFile)(python, [script, root], {
    maxBuffer: 1 << 28,
    env: { ...process.env, HF_HUB_OFFLINE: "1" },
  });
  facts = JSON.parse(stdout.trim().split("\n").at(-1)!);
}, 300_000);
afterAll(async () => {
  if (root) await rm(root, { recursive: true, force: true });
});

describe.skipIf(absent)(
  `transformers and PEFT (${absent ? `skipped: ${python} lacks torch, transformers or peft` : python})`,
  () => {
    it.each(Object.keys(MODELS))(
      "%s: transformers loads what we save, to the bit, in our order, with our windows and frequencies",
      (name) => {
        const config = configs.get(name)!;
        const told = facts[name]!;
        expect(told).toMatchObject({ missing: [], unexpected: [] });
        expect(told.parameters).toEqual(
          [...initialWeights(config, 1)].map(({ name, shape, data }) => [name, shape, digest(data)]),
        );
        expect(told.windows).toEqual(config.layerWindows.map((window) => window ?? null));
        expect([told.eos_token_id].flat()).toEqual(config.eosTokenIds);
        const ours = inverseFrequencies(config);
        expect(told.inverse_frequencies.length).toBe(ours.length);
        for (const [i, theirs] of told.inverse_frequencies.entries()) expect(Math.abs(theirs / ours[i]! - 1)).toBeLessThan(1e-6);
      },
    );

    it.each(Object.keys(MODELS))(
      "%s: we load what transformers saves, sharded and not, and write the same bytes",
      async (name) => {
        const config = configs.get(name)!;
        for (const form of ["again-single", "again-sharded"]) {
          await using model = await openModelFolder(join(root, name, form));
          const { raw: _, ...theirs } = model.config;
          const { raw: __, ...ours } = config;
          expect(theirs).toEqual(ours);
          for (const { name, data } of initialWeights(config, 1))
            expect(Buffer.from(await model.weights.read(name)).equals(Buffer.from(data.buffer))).toBe(true);
        }
        if (name === "llama") return;
        const [ours, theirs] = await Promise.all(
          [name, join(name, "again-single")].map((path) => readFile(join(root, path, "model.safetensors"))),
        );
        expect(ours!.equals(theirs!)).toBe(true);
      },
    );

    it.each(Object.keys(MODELS))("%s: PEFT loads our adapter with our scaling, and we load its", async (name) => {
      const config = configs.get(name)!;
      const ours = await readAdapter(join(root, name, "adapter"), config);
      const digests = Object.fromEntries(
        [...ours.matrices].flatMap(([module, { loraA, loraB }]) => {
          const names = adapterTensorNames(module);
          return [
            [names.loraA, digest(loraA)],
            [names.loraB, digest(loraB)],
          ];
        }),
      );
      expect(facts[name]!.adapter).toEqual(digests);
      expect(facts[name]!.scalings).toEqual([loraScaling(ours.config)]);
      const theirs = await readAdapter(join(root, name, "adapter-again"), config);
      expect(theirs.matrices).toEqual(ours.matrices);
      const files = ["adapter", "adapter-again"].map((folder) => readFile(join(root, name, folder, ADAPTER_WEIGHTS_FILE)));
      const [a, b] = await Promise.all(files);
      expect(a!.equals(b!)).toBe(true);
    });
  },
);
