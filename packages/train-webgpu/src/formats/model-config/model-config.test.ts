import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { uniforms } from "../../random/random-stream.ts";
import { parseHeader } from "../safetensors/header.ts";
import { checkParameters, parameterShapes } from "./parameter-shapes.ts";
import { parseModelConfig } from "./parse-model-config.ts";
import { inverseFrequencies } from "./rope.ts";
import { writeModelConfig } from "./write-model-config.ts";

const text = (file: string) => readFileSync(new URL(`../fixtures/${file}`, import.meta.url), "utf8");
const load = (name: string) => JSON.parse(text(`${name}.config.json`));
const FAMILIES = ["mistral", "llama", "qwen2", "qwen3"];

const storedTensors = (model: string) => {
  const { header, file_size } = JSON.parse(text("safetensors-headers.json"))[model];
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return parseHeader(bytes, file_size).tensors;
};

/** The configuration of zephyr-7b-beta's kind, in the old form. */
const ZEPHYR = {
  model_type: "mistral",
  hidden_size: 4096,
  intermediate_size: 14336,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  vocab_size: 32000,
  max_position_embeddings: 32768,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  sliding_window: 4096,
  hidden_act: "silu",
  bos_token_id: 1,
  eos_token_id: 2,
  pad_token_id: 2,
  torch_dtype: "bfloat16",
};

describe("parseModelConfig", () => {
  it("the old and the new form of one model mean the same", () => {
    const { raw: _, ...now } = parseModelConfig(load("mistral"));
    const { raw: __, ...before } = parseModelConfig(JSON.parse(text("mistral-legacy.config.json")));
    expect(before).toEqual(now);
    expect(now).toMatchObject({ headDim: 8, ropeTheta: 1000, slidingWindow: 24, padTokenId: undefined, eosTokenIds: [2] });
    expect(now.layerWindows).toEqual([24, 24]);
  });

  it.each(FAMILIES)("the parameters of the %s checkpoint are those of its config", (model) => {
    const config = parseModelConfig(load(model));
    const stored = storedTensors(model);
    expect(checkParameters(config, stored)).toEqual({ ignored: [] });
    expect(parameterShapes(config).length).toBe(stored.size);
  });

  it("families differ where they should", () => {
    const facts = FAMILIES.map((name) => {
      const { attentionBias, attentionOutputBias, qkNorm, tieWordEmbeddings, headDim } = parseModelConfig(load(name));
      return { attentionBias, attentionOutputBias, qkNorm, tieWordEmbeddings, headDim };
    });
    const plain = { attentionBias: false, attentionOutputBias: false, qkNorm: false, tieWordEmbeddings: true, headDim: 8 };
    expect(facts).toEqual([
      { ...plain, tieWordEmbeddings: false },
      plain,
      { ...plain, attentionBias: true },
      { ...plain, qkNorm: true, headDim: 16 },
    ]);
  });

  it("7 billion parameters are counted, and head_dim follows from the heads", () => {
    const config = parseModelConfig(ZEPHYR);
    const count = parameterShapes(config).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    expect(count).toBe(7_241_732_096);
    expect(config.headDim).toBe(128);
  });

  it("Mistral's window: 4096 if the file says nothing, none if it says null", () => {
    const { sliding_window: _, ...silent } = ZEPHYR;
    expect(parseModelConfig(silent).slidingWindow).toBe(4096);
    expect(parseModelConfig({ ...ZEPHYR, sliding_window: null }).layerWindows).toEqual(Array(32).fill(undefined));
  });

  it("Qwen's window: off unless switched on, then by layer_types or from max_window_layers on", () => {
    const qwen = { ...load("qwen2"), sliding_window: 16 };
    const { layer_types: _, ...untyped } = { ...qwen, use_sliding_window: true };
    expect(parseModelConfig(qwen).layerWindows).toEqual([undefined, undefined]);
    expect(parseModelConfig({ ...untyped, max_window_layers: 1 }).layerWindows).toEqual([undefined, 16]);
    expect(parseModelConfig({ ...untyped, max_window_layers: 1 }).slidingWindow).toBe(16);
    expect(parseModelConfig(untyped).slidingWindow).toBeUndefined();
    const typed = { ...untyped, max_window_layers: 0, layer_types: ["sliding_attention", "full_attention"] };
    expect(parseModelConfig(typed).layerWindows).toEqual([16, undefined]);
    expect(() => parseModelConfig({ ...typed, layer_types: ["full_attention"] })).toThrow(/layer_types/);
    expect(() => parseModelConfig({ ...typed, layer_types: ["chunked", "chunked"] })).toThrow(/layer_types/);
  });

  it("biases of Llama's and Qwen3's attention cover all four projections, Qwen2's three", () => {
    const names = (json: unknown) => parameterShapes(parseModelConfig(json)).map(({ name }) => name);
    const biases = (json: unknown) => names(json).filter((name) => name.includes("layers.0") && name.endsWith("bias")).length;
    expect(biases(load("qwen2"))).toBe(3);
    expect(biases({ ...load("llama"), attention_bias: true })).toBe(4);
    expect(biases({ ...load("qwen3"), attention_bias: true })).toBe(4);
    expect(biases({ ...load("llama"), attention_bias: true, mlp_bias: true })).toBe(7);
    expect(names(load("qwen3")).slice(5, 7)).toEqual([
      "model.layers.0.self_attn.q_norm.weight",
      "model.layers.0.self_attn.k_norm.weight",
    ]);
  });

  it("several end tokens, and -1 for no padding, are understood", () => {
    const config = parseModelConfig({ ...ZEPHYR, eos_token_id: [7, 9], pad_token_id: -1, bos_token_id: null });
    expect(config).toMatchObject({ eosTokenId: 7, eosTokenIds: [7, 9], padTokenId: undefined, bosTokenId: undefined });
  });

  it.each([
    ["another family", { model_type: "gemma" }, /model_type is.*gemma/],
    ["an inherited name as family", { model_type: "constructor" }, /model_type/],
    ["another activation", { hidden_act: "gelu" }, /hidden_act/],
    ["a quantized checkpoint", { quantization_config: { bits: 4 } }, /quantized/],
    ["heads that do not divide", { num_key_value_heads: 5 }, /32 attention heads cannot share 5/],
    ["an odd head", { head_dim: 7 }, /even/],
    ["a head that is no whole part", { hidden_size: 4100 }, /head_dim/],
    ["no key-value heads at all", { num_key_value_heads: undefined }, /num_key_value_heads is "absent"/],
    ["layers without end", { num_hidden_layers: 1e9 }, /num_hidden_layers/],
    ["no layers", { num_hidden_layers: 0 }, /num_hidden_layers/],
    ["a size as text", { vocab_size: "32000" }, /vocab_size/],
    ["a window of zero", { sliding_window: 0 }, /sliding_window/],
    ["an epsilon of zero", { rms_norm_eps: 0 }, /rms_norm_eps/],
    ["a base below zero", { rope_theta: -1 }, /rope_theta/],
    ["a switch as a number", { tie_word_embeddings: 1 }, /tie_word_embeddings/],
    ["a negative token", { eos_token_id: -2 }, /eos_token_id/],
    ["yarn", { rope_scaling: { type: "yarn", factor: 4 } }, /rope type is.*yarn/],
    ["a scaling that is a list", { rope_scaling: [1] }, /rope_scaling/],
    ["llama3 without a factor", { rope_scaling: { rope_type: "llama3" } }, /factor/],
    ["part of the head rotated", { partial_rotary_factor: 0.5 }, /partial_rotary_factor/],
  ])("%s is refused, naming the field", (_, change, message) => {
    expect(() => parseModelConfig({ ...ZEPHYR, ...change })).toThrow(message);
    expect(() => parseModelConfig({ ...ZEPHYR, ...change })).toThrow(expect.objectContaining({ code: "ERR_MODEL_CONFIG" }));
  });

  it("whatever stands in the fields, the result is a usable model or its own error", () => {
    const random = uniforms({ seed: 3, stream: "fuzz" });
    const values = [
      null,
      true,
      -1,
      0,
      0.5,
      1,
      3,
      64,
      1e9,
      1e300,
      Number.NaN,
      "",
      "48",
      "llama",
      [],
      [1, 2],
      {},
      { rope_type: "llama3" },
      undefined,
    ];
    const pick = <T>(from: T[]) => from[Math.floor(random() * from.length)]!;
    let usable = 0;
    for (let round = 0; round < 4000; round++) {
      const json = load(pick(FAMILIES));
      for (let edits = 1 + Math.floor(random() * 2); edits > 0; edits--) json[pick(Object.keys(json))] = pick(values);
      try {
        const config = parseModelConfig(json);
        usable++;
        expect(parameterShapes(config).every(({ shape }) => shape.every((size) => Number.isSafeInteger(size) && size > 0))).toBe(
          true,
        );
        expect(inverseFrequencies(config).every((f) => f > 0 && f <= 1.0000001)).toBe(config.ropeTheta >= 1);
        expect(config.layerWindows.length).toBe(config.numHiddenLayers);
      } catch (error) {
        expect(error).toMatchObject({ code: "ERR_MODEL_CONFIG" });
      }
    }
    expect(usable).toBeGreaterThan(400);
  });

  it.each([null, [], "text", 3, undefined])("%j is no configuration", (json) => {
    expect(() => parseModelConfig(json)).toThrow(/no object/);
  });
});

describe("inverseFrequencies", () => {
  it("without scaling they are theta to the power -2i / D", () => {
    expect([...inverseFrequencies({ headDim: 4, ropeTheta: 100 })]).toEqual([1, 0.1]);
  });

  it("Llama 3.1's: short waves are kept, long ones slowed eight times, the middle lies between and falls steadily", () => {
    const scaling = {
      rope_type: "llama3",
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8192,
    };
    const config = parseModelConfig({ ...ZEPHYR, model_type: "llama", rope_theta: 500000, rope_scaling: scaling });
    const plain = inverseFrequencies({ headDim: 128, ropeTheta: 500000 });
    const scaled = inverseFrequencies(config);
    const ratio = scaled.map((f, i) => f / plain[i]!);
    for (const [i, frequency] of plain.entries()) {
      const wave = (2 * Math.PI) / frequency;
      if (wave < 8192 / 4) expect(ratio[i]).toBe(1);
      else if (wave > 8192) expect(ratio[i]).toBeCloseTo(1 / 8, 12);
      else {
        // The published form: a smooth factor between the two, worked out from the wave length.
        const smooth = (8192 / wave - 1) / (4 - 1);
        expect(scaled[i]).toBeCloseTo(((1 - smooth) * frequency) / 8 + smooth * frequency, 15);
      }
    }
    expect(scaled.every((f, i) => i === 0 || f < scaled[i - 1]!)).toBe(true);
    const now = { ...ZEPHYR, model_type: "llama", rope_theta: undefined, rope_parameters: { ...scaling, rope_theta: 500000 } };
    expect(inverseFrequencies(parseModelConfig(now))).toEqual(scaled);
  });
});

describe("checkParameters", () => {
  const config = parseModelConfig(load("llama"));
  const stored = () => new Map(storedTensors("llama"));
  const extra = { dtype: "F32" as const, shape: [512, 32], begin: 0, end: 0 };

  it("a stored copy of the tied head and old rotary tables are left unread", () => {
    const tensors = stored().set("lm_head.weight", extra).set("model.layers.0.self_attn.rotary_emb.inv_freq", extra);
    expect(checkParameters(config, tensors).ignored).toEqual(["lm_head.weight", "model.layers.0.self_attn.rotary_emb.inv_freq"]);
  });

  it("missing, unexpected, misshapen and integer tensors are all named at once", () => {
    const tensors = stored();
    tensors.delete("model.norm.weight");
    tensors.set("model.layers.0.mlp.up_proj.weight", { ...extra, shape: [32, 64] });
    tensors.set("model.layers.1.mlp.up_proj.weight", { ...extra, shape: [64, 32], dtype: "I32" });
    tensors.set("model.layers.2.input_layernorm.weight", extra);
    const message = /missing: "model.norm.weight"; unexpected: "model.layers.2.*wrong: .*is \[32,64\], needs \[64,32\].*type I32/;
    expect(() => checkParameters(config, tensors)).toThrow(message);
  });

  it("an untied model without its head is refused", () => {
    expect(() => checkParameters({ ...config, tieWordEmbeddings: false }, stored())).toThrow(/missing: "lm_head.weight"/);
  });
});

describe("writeModelConfig", () => {
  it.each(FAMILIES)("%s: written and read again nothing is lost, and whole floats stay floats", (model) => {
    const written = writeModelConfig(parseModelConfig(load(model)), { dtype: "F32" });
    expect(written.trimEnd()).toBe(text(`${model}.config.json`).trimEnd());
  });

  it("unknown fields stay, and the dtype is written in the form the file had", () => {
    const config = parseModelConfig({ ...ZEPHYR, my_field: { a: [1, "x"] } });
    expect(JSON.parse(writeModelConfig(config, { dtype: "BF16" }))).toEqual({ ...ZEPHYR, my_field: { a: [1, "x"] } });
    expect(JSON.parse(writeModelConfig(config, { dtype: "F16" })).torch_dtype).toBe("float16");
    expect(() => writeModelConfig({ ...config, raw: { x: Number.NaN } }, { dtype: "F16" })).toThrow(TypeError);
  });
});
