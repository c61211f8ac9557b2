import type { JsonObject } from "../json/strict-json.ts";

export const MODEL_TYPES = ["mistral", "llama", "qwen2", "qwen3"] as const;
/** The model families, by `model_type` of config.json. */
export type ModelType = (typeof MODEL_TYPES)[number];

/** Llama 3's stretching of the rotary frequencies: those with long waves are divided by `factor`. */
export interface Llama3RopeScaling {
  type: "llama3";
  factor: number;
  lowFreqFactor: number;
  highFreqFactor: number;
  originalMaxPositionEmbeddings: number;
}

/** A decoder of the Llama kind, as its `config.json` describes it. */
export interface ModelConfig {
  modelType: ModelType;
  hiddenSize: number;
  intermediateSize: number;
  numHiddenLayers: number;
  numAttentionHeads: number;
  numKeyValueHeads: number;
  /** heads x headDim need not equal hiddenSize. */
  headDim: number;
  vocabSize: number;
  maxPositionEmbeddings: number;
  rmsNormEps: number;
  ropeTheta: number;
  ropeScaling?: Llama3RopeScaling;
  /** Window W of the layers that have one (query i sees keys j with i - W < j <= i); undefined: no layer has one. */
  slidingWindow: number | undefined;
  /** [L] the window of each layer. */
  layerWindows: (number | undefined)[];
  /** Whether the query, key and value projections have biases. */
  attentionBias: boolean;
  /** Whether the attention's output projection has a bias. */
  attentionOutputBias: boolean;
  /** Whether the three projections of the MLP have biases. */
  mlpBias: boolean;
  /** Whether queries and keys are RMS-normed per head. */
  qkNorm: boolean;
  tieWordEmbeddings: boolean;
  /** Standard deviation of freshly drawn weights. */
  initializerRange: number;
  bosTokenId: number | undefined;
  /** The first of `eosTokenIds`. */
  eosTokenId: number | undefined;
  eosTokenIds: number[];
  padTokenId: number | undefined;
  /** The whole config.json: `writeModelConfig` keeps what is not named above. */
  raw: JsonObject;
}
