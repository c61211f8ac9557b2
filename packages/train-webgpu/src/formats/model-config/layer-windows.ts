import type { JsonObject } from "../json/strict-json.ts";
import { fieldReader } from "./fields.ts";
import type { ModelConfig, ModelType } from "./model-config.ts";

/**
 * Which layers look back over a window only.
 *
 * Mistral: all layers, 4096 where the file says nothing, none for null. Llama: none. Qwen: if `use_sliding_window`, the layers that
 * `layer_types` names, else those from `max_window_layers` on.
 */
export function parseLayerWindows(
  json: JsonObject,
  modelType: ModelType,
  layers: number,
): Pick<ModelConfig, "slidingWindow" | "layerWindows"> {
  const { size, flag } = fieldReader(json);
  if (modelType === "llama") return { slidingWindow: undefined, layerWindows: Array(layers).fill(undefined) };
  if (modelType === "mistral") {
    const slidingWindow = json["sliding_window"] === null ? undefined : size("sliding_window", { fallback: 4096 });
    return { slidingWindow, layerWindows: Array(layers).fill(slidingWindow) };
  }
  const inUse = flag("use_sliding_window", false) && json["sliding_window"] !== null;
  const window = inUse ? size("sliding_window", { fallback: 4096 }) : undefined;
  const sliding = parseLayerTypes(json, layers) ?? slidingFrom(json, layers);
  const layerWindows = sliding.map((is) => (is ? window : undefined));
  return { slidingWindow: layerWindows.find((w) => w !== undefined), layerWindows };
}

function parseLayerTypes(json: JsonObject, layers: number): boolean[] | undefined {
  const types = json["layer_types"];
  if (types === undefined || types === null) return undefined;
  const known = Array.isArray(types) && types.every((type) => type === "full_attention" || type === "sliding_attention");
  if (known && types.length === layers) return types.map((type) => type === "sliding_attention");
  throw fieldReader(json).fail("layer_types", `a list of ${layers} times "full_attention" or "sliding_attention"`);
}

function slidingFrom(json: JsonObject, layers: number): boolean[] {
  const value = json["max_window_layers"] ?? 28;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0) {
    throw fieldReader(json).fail("max_window_layers", "a whole number from 0");
  }
  return Array.from({ length: layers }, (_, layer) => layer >= value);
}
