import type { TokenBatch } from "@zephyr/data";
import { sequenceSums } from "../kernels/sequence-sums/sequence-sums.ts";
import { createExecutor, type Executor } from "../plan/executor.ts";
import { createTape } from "../plan/tape.ts";
import { noSizes, type Tensor } from "../plan/tensor.ts";
import { read } from "../plan/upload.ts";
import { grow } from "./capacity.ts";
import { type DecoderContext, decoder, labelStats } from "./decoder.ts";
import { lowRankOf, type Policy, weightOf } from "./policy.ts";
import { allocateStream, freeStream, labelsOf, loadStream, needs, type StreamTensors } from "./stream.ts";

/** Log-probabilities of the labelled tokens of a batch, nats. */
export interface Scores {
  /** [S] sum over each sequence's labelled tokens. */
  sequenceLogps: Float32Array;
  /** [N] of each labelled token, in stream order. */
  tokenLogps: Float32Array;
  /** [N] stream index of the token that predicts. */
  rows: Uint32Array;
  /** [N] 1 where the label is the most likely token. */
  greedy: Float32Array;
}

export interface ScoreOptions {
  /** "off" scores with the base model under a low-rank adapter. */
  adapter?: "on" | "off";
  /** [N] weights of the labelled tokens in their sequence's sum; 1 by default. */
  rowWeights?: Float32Array<ArrayBuffer>;
}

/** Scores batches with a policy as it is now; its plan grows with the largest batch seen. */
export interface Scorer extends Disposable {
  score(batch: TokenBatch, options?: ScoreOptions): Promise<Scores>;
}

/** Most bytes of logits at a time; beyond it the rows are cut into chunks. */
export function logitsBytes(policy: Policy): number {
  return Math.min(policy.device.maxBindingBytes, 64 * 2 ** 20);
}

interface ScoringPlan extends Disposable {
  stream: StreamTensors;
  executor: Executor;
  rowStats: Tensor;
  sums: Tensor;
}

export function createScorer(policy: Policy): Scorer {
  let plan: ScoringPlan | undefined;
  return {
    async score(batch, { adapter = "on", rowWeights } = {}) {
      const larger = grow(plan?.stream.capacity, needs(batch));
      if (larger) {
        plan?.[Symbol.dispose]();
        plan = await scoringPlan(policy, allocateStream(policy.device, larger, policy.inverseFrequencies));
      }
      const { stream, executor, rowStats, sums } = plan!;
      const sizes = loadStream(policy.device, stream, batch, policy.config.vocabSize, rowWeights);
      executor.run("score", { ...noSizes, ...sizes, adapterScale: adapter === "on" ? 1 : 0 });
      const [rows, sequences] = await read(policy.device, [
        { tensor: rowStats, length: sizes.labelled * 4 },
        { tensor: sums, length: sizes.sequences * 4 },
      ]);
      return {
        sequenceLogps: Float32Array.from({ length: sizes.sequences }, (_, s) => sequences![s * 4]!),
        tokenLogps: Float32Array.from({ length: sizes.labelled }, (_, n) => rows![n * 4]!),
        greedy: Float32Array.from({ length: sizes.labelled }, (_, n) => rows![n * 4 + 3]!),
        rows: labelsOf(batch).rows,
      };
    },
    [Symbol.dispose]() {
      plan?.[Symbol.dispose]();
      plan = undefined;
    },
  };
}

async function scoringPlan(policy: Policy, stream: StreamTensors): Promise<ScoringPlan> {
  const tape = createTape();
  const context = inferenceContext(policy, stream);
  const rowStats = labelStats(tape, context, decoder(tape, context), logitsBytes(policy));
  const { sums } = sequenceSums(tape, policy.device, {
    rowOffsets: stream.rowOffsets,
    rowStats,
    rowWeights: stream.labels.rowWeights,
    logCollision: stream.labels.logCollision,
    maxSequences: stream.capacity.sequences,
  });
  const executor = await createExecutor(policy.device, { score: tape.dispatches }, [rowStats, sums]);
  return {
    stream,
    executor,
    rowStats,
    sums,
    [Symbol.dispose]() {
      executor[Symbol.dispose]();
      freeStream(stream);
    },
  };
}

function inferenceContext(policy: Policy, stream: StreamTensors): DecoderContext {
  const { device, config, weights, adapter } = policy;
  return { target: device, config, stream, weight: (name) => weightOf(weights, name), lowRank: lowRankOf(adapter) };
}
