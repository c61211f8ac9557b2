import { writeDurably } from "../files/durable-file.ts";
import { readJsonObject } from "../files/json-file.ts";
import { writeFolder } from "../files/staged-folder.ts";
import { formatError } from "../format-error.ts";
import type { JsonObject } from "../json/strict-json.ts";
import type { ModelConfig } from "../model-config/model-config.ts";
import { checkParameters } from "../model-config/parameter-shapes.ts";
import { parseModelConfig } from "../model-config/parse-model-config.ts";
import { writeModelConfig } from "../model-config/write-model-config.ts";
import { type FloatDtype, isFloatDtype } from "../safetensors/convert.ts";
import { openSafetensors, type Safetensors } from "../safetensors/read.ts";
import { type TensorToWrite, writeModelTensors } from "../safetensors/write.ts";

export const CHAT_TEMPLATE_FILE = "chat_template.jinja";

/** Files that belong to the tokenizer and travel with a saved model. */
export const TOKENIZER_FILES: readonly string[] = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "tokenizer.model",
  "vocab.json",
  "merges.txt",
  CHAT_TEMPLATE_FILE,
  "chat_template.json",
];
const CONFIG_FILE = "config.json";
const GENERATION_FILE = "generation_config.json";

/** An open model folder: what it is, and its weights on demand. */
export interface ModelFolder {
  path: string;
  config: ModelConfig;
  generationConfig: JsonObject | undefined;
  weights: Safetensors;
  /** Stored tensors that are not parameters and need not be read. */
  ignored: string[];
  /** Names of the tokenizer files that are there; a model without any is fine where rows hold ids. */
  tokenizerFiles: string[];
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens a Hugging Face model folder: reads `config.json`, and checks the headers of its safetensors against it.
 *
 * Throws `ERR_MODEL_FOLDER`, `ERR_MODEL_CONFIG` or `ERR_SAFETENSORS` with the file and what is wrong in it.
 *
 * @example
 * await using model = await openModelFolder("path/to/zephyr-7b-sft");
 * const embeddings = await model.weights.read("model.embed_tokens.weight");
 */
export async function openModelFolder(path: string): Promise<ModelFolder> {
  const { readdir } = await import("node:fs/promises");
  const { join } = await import("node:path");
  const files = await readdir(path).catch((cause) => {
    throw formatError("ERR_MODEL_FOLDER", `openModelFolder: ${path} is no folder that can be read; give a model folder`, cause);
  });
  if (!files.includes(CONFIG_FILE)) throw noModel(path, files);
  const config = parseModelConfig(await readJsonObject(join(path, CONFIG_FILE), "ERR_MODEL_CONFIG"));
  const hasGeneration = files.includes(GENERATION_FILE);
  const generationConfig = hasGeneration ? await readJsonObject(join(path, GENERATION_FILE), "ERR_MODEL_FOLDER") : undefined;
  const weights = await openSafetensors(path);
  try {
    const { ignored } = checkParameters(config, weights.tensors);
    const tokenizerFiles = TOKENIZER_FILES.filter((name) => files.includes(name));
    const close = () => weights.close();
    return { path, config, generationConfig, weights, ignored, tokenizerFiles, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await weights.close();
    throw error;
  }
}

function noModel(path: string, files: string[]) {
  const advice = files.includes("adapter_config.json")
    ? "it holds an adapter: give its base model as the model and this folder as the adapter, or merge them"
    : "give a model folder, or wait until the model there is wholly saved";
  return formatError("ERR_MODEL_FOLDER", `openModelFolder: ${path} has no ${CONFIG_FILE}; ${advice}`);
}

export interface SaveModelOptions {
  config: ModelConfig;
  /** In the order of `parameterShapes`. All of one float type. */
  tensors: readonly TensorToWrite[];
  /** The folder whose tokenizer files and generation settings are copied, if it has any. */
  copyFrom?: string;
  maxShardBytes?: number;
}

/**
 * Saves a model as transformers, vLLM and llama.cpp load it, whole or not at all; a folder that exists keeps its other files.
 *
 * Throws `ERR_MODEL_CONFIG` if the tensors are not those of the configuration; then, and on a full disk, nothing is changed.
 *
 * @example await saveModelFolder("zephyr-7b-dpo", { config, tensors, copyFrom: "zephyr-7b-sft" });
 */
export async function saveModelFolder(
  path: string,
  { config, tensors, copyFrom, maxShardBytes }: SaveModelOptions,
): Promise<void> {
  const { join } = await import("node:path");
  checkParameters(config, new Map(tensors.map((tensor) => [tensor.name, tensor])));
  const dtype = onlyDtype(tensors);
  await writeFolder(path, {
    marker: CONFIG_FILE,
    replaces: /^model(-\d+-of-\d+)?\.safetensors(\.index\.json)?$/,
    write: async (staging) => {
      await writeModelTensors(staging, tensors, maxShardBytes === undefined ? {} : { maxShardBytes });
      if (copyFrom !== undefined) await copyCompanions(copyFrom, staging);
      await writeDurably(join(staging, CONFIG_FILE), [writeModelConfig(config, { dtype })]);
    },
  });
}

function onlyDtype(tensors: readonly TensorToWrite[]): FloatDtype {
  const dtypes = [...new Set(tensors.map(({ dtype }) => dtype))];
  const [dtype] = dtypes;
  if (dtypes.length === 1 && dtype && isFloatDtype(dtype)) return dtype;
  throw new TypeError(`saveModelFolder: tensors are of types ${dtypes.join(", ")}; give all of them as F32, F16 or BF16`);
}

/** Copies the tokenizer files and generation settings of a model folder; those it lacks are left out. */
export async function copyCompanions(from: string, to: string): Promise<string[]> {
  const { readdir, readFile } = await import("node:fs/promises");
  const { join } = await import("node:path");
  const present = await readdir(from);
  const names = [...TOKENIZER_FILES, GENERATION_FILE].filter((name) => present.includes(name));
  // Not copyFile: a read-only original would give a copy that cannot be synced.
  for (const name of names) await writeDurably(join(to, name), [await readFile(join(from, name))]);
  return names;
}
