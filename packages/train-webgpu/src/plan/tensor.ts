/**
 * How the elements of a tensor lie in memory: 4-byte floats or words ("f32"), bfloat16 or half floats packed two to a word with the
 * first in the low half, or 4-bit NF4 codes eight to a word with a scale per block of 64 (Dettmers et al. 2023).
 */
export type StorageFormat = "f32" | "bf16" | "f16" | "nf4";

/** A named piece of device memory. Temporaries get their place from the memory plan. */
export interface Tensor {
  readonly name: string;
  readonly bytes: number;
  /** "f32" where nothing is said. */
  readonly format?: StorageFormat;
  /** Scales of NF4 blocks, half floats packed two to a word. */
  readonly scales?: Tensor;
  /** Where it lies; a temporary has none until the plan is placed. */
  place?: { buffer: GPUBuffer; offset: number };
  /** Whether gradients flow into it. */
  readonly needsGradient: boolean;
  /** Where its gradient is summed, for a trainable parameter. */
  readonly gradient?: Tensor;
}

/** The numbers that change from batch to batch; kernels take their sizes from functions of these. */
export interface Sizes {
  /** Tokens in the stream, a multiple of 4. */
  tokens: number;
  sequences: number;
  /** Labelled tokens: those whose successor is predicted and counted. */
  labelled: number;
  /** Tiles of query rows, each inside one sequence. */
  tiles: number;
  /** Pairs of a token and one that it sees, itself included, windows left out of account: what attention's work is counted in. */
  attended: number;
  /** Rows of the key-value cache that the stream's tokens see, each counted once. */
  cached: number;
  /** Distinct token ids in the stream. */
  distinctIds: number;
  /** Preference pairs. */
  pairs: number;
  /** 0 where gradients are written, 1 where they are added to those of earlier micro-batches. */
  accumulate: number;
  /** Factor on the gradient of the loss of this micro-batch. */
  lossScale: number;
  /** Factor on the low-rank update: 1, or 0 to see the base model. */
  adapterScale: number;
  /** Which random numbers dropout uses: another one for every micro-batch; 0 switches it off. */
  dropoutDraw: number;
  /** Learning rate of this optimizer step. */
  learningRate: number;
  /** Optimizer steps, counted from 1. */
  step: number;
}

/** Sizes of no batch at all, to be overridden where a plan needs more. */
export const noSizes: Sizes = {
  tokens: 0,
  sequences: 0,
  labelled: 0,
  tiles: 0,
  attended: 0,
  cached: 0,
  distinctIds: 0,
  pairs: 0,
  accumulate: 0,
  lossScale: 1,
  adapterScale: 1,
  dropoutDraw: 0,
  learningRate: 0,
  step: 1,
};

export type Params = Record<string, number>;
/** Workgroups in x; the executor folds counts above 65,535 into y. */
export type Grid = (sizes: Sizes) => [x: number, y?: number, z?: number];
