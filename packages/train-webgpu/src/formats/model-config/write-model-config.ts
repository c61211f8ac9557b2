import { pythonJson } from "../json/python-json.ts";
import type { FloatDtype } from "../safetensors/convert.ts";
import type { ModelConfig } from "./model-config.ts";

const DTYPE_NAMES: Record<FloatDtype, string> = { F32: "float32", F16: "float16", BF16: "bfloat16" };

/**
 * The text of `config.json` for a saved model: everything the original file said, in the form it had, with the dtype of the new weights.
 *
 * @example await writeFile("out/config.json", writeModelConfig(config, { dtype: "BF16" }));
 */
export function writeModelConfig(config: ModelConfig, { dtype }: { dtype: FloatDtype }): string {
  const legacy = config.raw["torch_dtype"] !== undefined && config.raw["dtype"] === undefined;
  return pythonJson({ ...config.raw, [legacy ? "torch_dtype" : "dtype"]: DTYPE_NAMES[dtype] });
}
