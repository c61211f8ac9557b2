import { loadTokenizer, type Tokenizer } from "@zephyr/data";
import type { Device } from "../device/request-device.ts";
import { adapterTemplate, readAdapter } from "../formats/adapter/adapter-folder.ts";
import type { ModelConfig } from "../formats/model-config/model-config.ts";
import { openModelFolder } from "../formats/model-folder/model-folder.ts";
import { withinMemory } from "../plan/out-of-memory.ts";
import { freshAdapter, type LoraOptions, uploadAdapter } from "./device-adapter.ts";
import type { WeightDtype } from "./packed-weights.ts";
import { createPolicy, type DeviceAdapter, type Policy } from "./policy.ts";
import { drawWeights, loadWeights } from "./weights.ts";

export interface LoadModelOptions {
  /** Adds a fresh low-rank adapter; then only the adapter is trained and saved. */
  lora?: LoraOptions;
  /** A PEFT adapter folder to go on with, instead of a fresh one. Its chat template, if it has one, wins over the model's. */
  adapter?: string;
  /** The text of a chat template that wins over those of the folders; it is saved along. */
  chatTemplate?: string | undefined;
  /** Draws the fresh adapter; 0 by default. */
  seed?: number;
  /** How the base model's matrices are kept on the device; "f32" by default. Only float32 weights can be trained without an adapter. */
  dtype?: WeightDtype;
}

/**
 * Loads a Mistral, Llama, Qwen2 or Qwen3 model from a Hugging Face folder onto a device, tensor by tensor, with its tokenizer if it
 * has one. Throws typed errors for a folder, header, shape or adapter that does not fit.
 *
 * @example
 * using policy = await loadModel(device, "zephyr-7b-sft", { lora: { r: 16, alpha: 16 } });
 */
export async function loadModel(device: Device, path: string, options: LoadModelOptions = {}): Promise<Policy> {
  const { lora, adapter: adapterFolder, seed = 0, dtype } = options;
  if (lora && adapterFolder !== undefined) {
    throw new TypeError("loadModel: lora and adapter are both given; a fresh adapter or the one of a folder, not both");
  }
  await using folder = await openModelFolder(path);
  checkDivisible(folder.config, path);
  const chatTemplate = options.chatTemplate ?? (adapterFolder === undefined ? undefined : await adapterTemplate(adapterFolder));
  const hasTokenizer = folder.tokenizerFiles.includes("tokenizer.json");
  const tokenizer = hasTokenizer ? await loadTokenizer(path, { chatTemplate }) : undefined;
  // Before the weights: a wrong adapter should not cost a long load.
  const matrices = lora
    ? freshAdapter(folder.config, lora, seed, path)
    : adapterFolder === undefined
      ? undefined
      : await readAdapter(adapterFolder, folder.config);
  const weights = await withinMemory(device, "loadModel", () => loadWeights(device, folder.config, folder.weights, dtype));
  const adapter: DeviceAdapter | undefined = matrices && uploadAdapter(device, matrices);
  return createPolicy({ device, config: folder.config, weights, adapter, tokenizer, folder: path, chatTemplate });
}

/**
 * A model with freshly drawn weights: normal with the configuration's standard deviation, norms 1, biases 0.
 *
 * @example
 * using policy = await createModel(device, parseModelConfig(json), { seed: 0, tokenizer });
 */
export async function createModel(
  device: Device,
  config: ModelConfig,
  options: { seed: number; tokenizer?: Tokenizer },
): Promise<Policy> {
  checkDivisible(config, "the configuration");
  const weights = await drawWeights(device, config, options.seed);
  return createPolicy({ device, config, weights, tokenizer: options.tokenizer });
}

/** The kernels read four floats at a time. */
function checkDivisible(config: ModelConfig, where: string): void {
  for (const name of ["hiddenSize", "intermediateSize", "headDim"] as const) {
    if (config[name] % 4 !== 0)
      throw new RangeError(`loadModel: ${name} of ${where} is ${config[name]}; the kernels need a multiple of 4`);
  }
}
