import { formatError, quote } from "../format-error.ts";
import { isJsonObject, type JsonObject } from "../json/strict-json.ts";
import { fieldReader } from "./fields.ts";
import { parseLayerWindows } from "./layer-windows.ts";
import { MODEL_TYPES, type ModelConfig, type ModelType } from "./model-config.ts";
import { parseRope } from "./rope.ts";

/** What transformers' configuration classes assume where a file says nothing. */
const DEFAULTS = {
  mistral: { maxPositions: 131072, bos: 1, eos: 2, headDim: undefined },
  llama: { maxPositions: 2048, bos: 1, eos: 2, headDim: undefined },
  qwen2: { maxPositions: 32768, bos: undefined, eos: undefined, headDim: undefined },
  qwen3: { maxPositions: 32768, bos: undefined, eos: undefined, headDim: 128 },
} as const;

/**
 * Reads a parsed `config.json` of the Mistral, Llama, Qwen2 or Qwen3 family, in the old form (`rope_theta`, `torch_dtype`) or that of
 * transformers 5 (`rope_parameters`, `dtype`).
 *
 * A field that shapes the model and is absent, out of range or of the wrong type is an error; where transformers has a default, so have
 * we. Throws `ERR_MODEL_CONFIG` naming the field and its value.
 *
 * @example const config = parseModelConfig(JSON.parse(await readFile("zephyr-7b-beta/config.json", "utf8")));
 */
export function parseModelConfig(json: unknown): ModelConfig {
  if (!isJsonObject(json)) {
    throw formatError("ERR_MODEL_CONFIG", "parseModelConfig: config.json holds no object; give a model's configuration");
  }
  const modelType = parseModelType(json);
  const { size, positive, flag, tokenIds } = fieldReader(json);
  refuseOtherArchitectures(json, modelType);
  const defaults = DEFAULTS[modelType];
  const numHiddenLayers = size("num_hidden_layers", { max: 10_000 });
  const hiddenSize = size("hidden_size");
  const numAttentionHeads = size("num_attention_heads");
  const eosTokenIds = tokenIds("eos_token_id", defaults.eos);
  // Llama and Qwen3 have one switch for all four projections; Qwen2 always has the first three, Mistral none.
  const fourBiases = modelType === "llama" || modelType === "qwen3" ? flag("attention_bias", false) : false;
  const config: ModelConfig = {
    modelType,
    hiddenSize,
    intermediateSize: size("intermediate_size"),
    numHiddenLayers,
    numAttentionHeads,
    numKeyValueHeads: size("num_key_value_heads", modelType === "llama" ? { fallback: numAttentionHeads } : {}),
    headDim: size("head_dim", { fallback: defaults.headDim ?? hiddenSize / numAttentionHeads }),
    vocabSize: size("vocab_size"),
    maxPositionEmbeddings: size("max_position_embeddings", { fallback: defaults.maxPositions }),
    rmsNormEps: positive("rms_norm_eps", 1e-6),
    ...parseRope(json, modelType),
    ...parseLayerWindows(json, modelType, numHiddenLayers),
    attentionBias: modelType === "qwen2" || fourBiases,
    attentionOutputBias: fourBiases,
    mlpBias: modelType === "llama" && flag("mlp_bias", false),
    qkNorm: modelType === "qwen3",
    tieWordEmbeddings: flag("tie_word_embeddings", false),
    initializerRange: positive("initializer_range", 0.02),
    bosTokenId: tokenIds("bos_token_id", defaults.bos)[0],
    eosTokenId: eosTokenIds[0],
    eosTokenIds,
    padTokenId: tokenIds("pad_token_id", undefined)[0],
    raw: json,
  };
  checkProportions(config);
  return config;
}

function parseModelType(json: JsonObject): ModelType {
  const found = json["model_type"];
  const modelType = MODEL_TYPES.find((type) => type === found);
  if (modelType) return modelType;
  throw formatError(
    "ERR_MODEL_CONFIG",
    `parseModelConfig: model_type is ${quote(JSON.stringify(found) ?? "absent")}; supported are ${MODEL_TYPES.join(", ")}`,
  );
}

/** What would compute something else than the model says is refused rather than left out. */
function refuseOtherArchitectures(json: JsonObject, modelType: ModelType): void {
  const only = (field: string, allowed: unknown[], why: string) => {
    const value = json[field];
    if (value === undefined || value === null || allowed.includes(value)) return;
    const given = quote(JSON.stringify(value));
    throw formatError(
      "ERR_MODEL_CONFIG",
      `parseModelConfig: ${field} is ${given} in this ${modelType} model; only ${why} is supported`,
    );
  };
  only("hidden_act", ["silu", "swish"], "silu");
  only("partial_rotary_factor", [1], "rotation of whole heads (1)");
  only("is_encoder_decoder", [false], "a decoder");
  if (json["quantization_config"]) {
    throw formatError(
      "ERR_MODEL_CONFIG",
      "parseModelConfig: the model is quantized (quantization_config); give its float checkpoint",
    );
  }
}

function checkProportions(config: ModelConfig): void {
  const { numAttentionHeads, numKeyValueHeads, headDim } = config;
  if (numAttentionHeads % numKeyValueHeads !== 0) {
    throw formatError(
      "ERR_MODEL_CONFIG",
      `parseModelConfig: ${numAttentionHeads} attention heads cannot share ${numKeyValueHeads} key-value heads; the first must be a multiple of the second`,
    );
  }
  if (headDim % 2 !== 0) {
    throw formatError("ERR_MODEL_CONFIG", `parseModelConfig: head_dim is ${headDim}; rotary positions need an even number`);
  }
}
