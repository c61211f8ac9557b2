import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { loadTokenizer, type Tokenizer } from "@zephyr/data";
import { type ModelConfig, parameterShapes, parseModelConfig } from "@zephyr/train-webgpu";

/** Bytes that training keeps on the device, whatever the batch: f32 all. */
export interface MemoryPlan {
  trained_parameters: number;
  weights_bytes: number;
  gradients_bytes: number;
  optimizer_bytes: number;
  total_bytes: number;
}

/** What a model folder holds. */
export interface ModelInspection {
  model_type: string;
  parameters: number;
  layers: number;
  hidden_size: number;
  vocabulary: number;
  max_position_embeddings: number;
  tokenizer: { vocabulary: number; chat_template: boolean } | null;
  /** Before activations, which grow with the tokens of a micro-batch. */
  memory: { full: MemoryPlan; lora: MemoryPlan };
}

const FLOAT = 4;

/** Reads a model folder's configuration and tokenizer; `loraR` is the rank that the adapter's plan is for. */
export async function inspectModel(folder: string, loraR: number): Promise<ModelInspection> {
  const config = parseModelConfig(JSON.parse(await readFile(join(folder, "config.json"), "utf8")));
  const parameters = parameterShapes(config).reduce((sum, { shape }) => sum + size(shape), 0);
  const tokenizer = existsSync(join(folder, "tokenizer.json")) ? await loadTokenizer(folder) : undefined;
  return {
    model_type: config.modelType,
    parameters,
    layers: config.numHiddenLayers,
    hidden_size: config.hiddenSize,
    vocabulary: config.vocabSize,
    max_position_embeddings: config.maxPositionEmbeddings,
    tokenizer: tokenizer ? described(tokenizer) : null,
    memory: { full: plan(parameters, parameters), lora: plan(parameters, adapterParameters(config, loraR)) },
  };
}

const size = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);
const described = ({ vocabSize, chatTemplate }: Tokenizer) => ({
  vocabulary: vocabSize,
  chat_template: chatTemplate !== undefined,
});

/** A [r, in] and B [out, r] for every linear layer but the head. */
function adapterParameters(config: ModelConfig, r: number): number {
  const linears = parameterShapes(config).filter(({ name }) => /layers\..*(proj)\.weight$/.test(name));
  return linears.reduce((sum, { shape: [outputs, inputs] }) => sum + r * (outputs! + inputs!), 0);
}

/** Weights, a gradient and Adam's two moments for each trained parameter. */
function plan(parameters: number, trained: number): MemoryPlan {
  const adapter = trained === parameters ? 0 : trained;
  const weights = FLOAT * (parameters + adapter);
  const [gradients, optimizer] = [FLOAT * trained, 2 * FLOAT * trained];
  return {
    trained_parameters: trained,
    weights_bytes: weights,
    gradients_bytes: gradients,
    optimizer_bytes: optimizer,
    total_bytes: weights + gradients + optimizer,
  };
}
