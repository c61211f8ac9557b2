import { describe, expect, it } from "vitest";
import { parseModelConfig } from "../formats/model-config/parse-model-config.ts";
import { initialLora } from "./initial-lora.ts";
import { initialWeights, type NamedWeights } from "./initial-weights.ts";

const config = parseModelConfig({
  model_type: "qwen2",
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 257,
  rope_theta: 1e6,
  initializer_range: 0.05,
  pad_token_id: 3,
});
const all = (seed: number, std?: number) =>
  new Map([...initialWeights(config, seed, std)].map((entry): [string, NamedWeights] => [entry.name, entry]));

const deviation = (data: Float32Array) => Math.sqrt(data.reduce((sum, x) => sum + x * x, 0) / data.length);

describe("initialWeights", () => {
  it("norms are 1, biases 0, matrices normal with the config's deviation, the padding row 0", () => {
    const weights = all(0);
    expect(new Set(weights.get("model.layers.1.input_layernorm.weight")!.data)).toEqual(new Set([1]));
    expect(new Set(weights.get("model.norm.weight")!.data)).toEqual(new Set([1]));
    expect(new Set(weights.get("model.layers.0.self_attn.q_proj.bias")!.data)).toEqual(new Set([0]));
    const embeddings = weights.get("model.embed_tokens.weight")!.data;
    expect(new Set(embeddings.subarray(3 * 64, 4 * 64))).toEqual(new Set([0]));
    expect(embeddings.subarray(0, 3 * 64).every((x) => x !== 0)).toBe(true);
    for (const name of ["lm_head.weight", "model.layers.1.mlp.down_proj.weight"]) {
      const { data, shape } = weights.get(name)!;
      expect(data.length).toBe(shape[0]! * shape[1]!);
      expect(Math.abs(deviation(data) / 0.05 - 1)).toBeLessThan(4 / Math.sqrt(2 * data.length));
    }
  });

  it("each tensor is fixed by seed and name, and no two are alike", () => {
    const first = (seed: number) =>
      [...all(seed).values()].filter(({ shape }) => shape.length === 2).map(({ data }) => data.subarray(0, 3).join());
    expect(first(1)).toEqual(first(1));
    expect(new Set([...first(1), ...first(2)]).size).toBe(2 * first(1).length);
    expect(deviation(all(0, 1).get("lm_head.weight")!.data)).toBeCloseTo(1, 1);
  });
});

describe("initialLora", () => {
  it("A is uniform within 1 / sqrt(inputs), B is zero", () => {
    const { loraA, loraB } = initialLora("model.layers.0.mlp.up_proj", { inputs: 400, outputs: 7, r: 64 }, 0);
    const bound = 1 / 20;
    expect(loraA.length).toBe(400 * 64);
    expect(loraB).toEqual(new Float32Array(7 * 64));
    expect(loraA.every((x) => Math.abs(x) <= Math.fround(bound))).toBe(true);
    expect(Math.max(...loraA)).toBeGreaterThan(0.999 * bound);
    expect(Math.min(...loraA)).toBeLessThan(-0.999 * bound);
    expect(Math.abs(deviation(loraA) / (bound / Math.sqrt(3)) - 1)).toBeLessThan(0.02);
  });

  it("modules and seeds draw different matrices", () => {
    const a = (module: string, seed: number) => initialLora(module, { inputs: 3, outputs: 1, r: 1 }, seed).loraA.join();
    expect(new Set([a("x", 0), a("y", 0), a("x", 1)]).size).toBe(3);
    expect(a("x", 0)).toBe(a("x", 0));
  });
});
