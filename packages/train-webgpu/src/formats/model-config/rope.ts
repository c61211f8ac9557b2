import { formatError, quote } from "../format-error.ts";
import { isJsonObject, type JsonObject } from "../json/strict-json.ts";
import { fieldReader } from "./fields.ts";
import type { Llama3RopeScaling, ModelConfig, ModelType } from "./model-config.ts";

/** Reads the rotary base and its scaling from `rope_parameters` (transformers 5) or `rope_theta` and `rope_scaling`. */
export function parseRope(json: JsonObject, modelType: ModelType): { ropeTheta: number; ropeScaling?: Llama3RopeScaling } {
  const scaling = json["rope_parameters"] ?? json["rope_scaling"] ?? {};
  if (!isJsonObject(scaling))
    throw fieldReader(json).fail(json["rope_parameters"] ? "rope_parameters" : "rope_scaling", "an object");
  const source = scaling["rope_theta"] === undefined ? json : scaling;
  // Llama and Mistral files older than the field mean 10000; Qwen's always say it.
  const ropeTheta = fieldReader(source).positive("rope_theta", modelType.startsWith("qwen") ? undefined : 10_000);
  const type = scaling["rope_type"] ?? scaling["type"] ?? "default";
  if (type === "default") return { ropeTheta };
  if (type === "llama3") return { ropeTheta, ropeScaling: parseLlama3(scaling, json) };
  throw formatError(
    "ERR_MODEL_CONFIG",
    `parseModelConfig: rope type is ${quote(JSON.stringify(type))}; "default" and "llama3" are supported, give another checkpoint`,
  );
}

function parseLlama3(scaling: JsonObject, json: JsonObject): Llama3RopeScaling {
  const { positive, size, fail } = fieldReader(scaling, "rope scaling's ");
  const positions = json["original_max_position_embeddings"] ?? json["max_position_embeddings"];
  const fallback = typeof positions === "number" ? { fallback: positions } : {};
  const result: Llama3RopeScaling = {
    type: "llama3",
    factor: positive("factor"),
    lowFreqFactor: positive("low_freq_factor"),
    highFreqFactor: positive("high_freq_factor"),
    originalMaxPositionEmbeddings: size("original_max_position_embeddings", fallback),
  };
  if (result.highFreqFactor <= result.lowFreqFactor)
    throw fail("high_freq_factor", `above low_freq_factor (${result.lowFreqFactor})`);
  return result;
}

/**
 * Angle per position of each pair of a head's dimensions, [headDim / 2], in radians: theta^(-2i / headDim), stretched as Llama 3 does.
 *
 * RoFormer (arXiv 2104.09864), equation 15; Llama 3 (arXiv 2407.21783) for the stretching: waves longer than
 * `original / low` are slowed down by `factor`, those shorter than `original / high` kept, between them interpolated.
 *
 * @example inverseFrequencies({ headDim: 4, ropeTheta: 100 }) // [1, 0.1]
 */
export function inverseFrequencies({
  headDim,
  ropeTheta,
  ropeScaling,
}: Pick<ModelConfig, "headDim" | "ropeTheta" | "ropeScaling">): Float64Array<ArrayBuffer> {
  const plain = Float64Array.from({ length: headDim / 2 }, (_, i) => ropeTheta ** ((-2 * i) / headDim));
  if (!ropeScaling) return plain;
  const { factor, lowFreqFactor: low, highFreqFactor: high, originalMaxPositionEmbeddings: original } = ropeScaling;
  return plain.map((frequency) => {
    const turns = (original * frequency) / (2 * Math.PI);
    const keep = Math.min(1, Math.max(0, (turns - low) / (high - low)));
    return (1 - keep) * (frequency / factor) + keep * frequency;
  });
}
