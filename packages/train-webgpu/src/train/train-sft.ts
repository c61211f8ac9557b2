import type { TokenBatch } from "@zephyr/data";
import { plans } from "./plans.ts";
import { type Batches, type Training, type TrainingOptions, train } from "./training.ts";
import type { SequenceResults } from "./training-plan.ts";

export interface TrainSftOptions extends TrainingOptions {
  /** Token streams, e.g. `pipe(rows, collateSequences({ sequencesPerBatch: 16 }))`. */
  batches: Batches<TokenBatch>;
}

const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);
const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * Supervised fine-tuning: the loss of an optimizer step is the mean negative log-probability over all labelled tokens of its batches,
 * in nats (Zephyr, arXiv 2310.16944, eq. 1). Throws where a step has nothing to learn, or its loss is not finite.
 *
 * @example
 * for await (const { step, metrics } of trainSft({ policy, batches, learningRate: 2e-5, schedule: "cosine", warmupRatio: 0.1 }))
 *   console.log(step, metrics.loss);
 */
export function trainSft(options: TrainSftOptions): Training<TokenBatch> {
  const pool = plans(options.policy, options.activationCheckpointing ?? false);
  const labelled = (batch: TokenBatch): number => batch.completionMask.reduce((sum, bit) => sum + bit, 0);
  return train(options, {
    dropout: true,
    async accumulate(window, trainables, step) {
      const labels = window.reduce((sum, batch) => sum + labelled(batch), 0);
      if (labels === 0) throw new RangeError("trainSft: a step has no token to learn; check the completion masks");
      const results: SequenceResults[] = [];
      for (const [index, batch] of window.entries()) {
        const plan = await pool.holding(batch, trainables);
        results.push(await plan.supervised(batch, { index, lossScale: 1 / labels, dropoutDraw: dropoutDraw(step, index) }));
      }
      return { loss: -results.reduce((sum, { logps }) => sum + total(logps), 0) / labels, ...tokenMetrics(results) };
    },
    async evaluate(batches, trainables) {
      const results: SequenceResults[] = [];
      for await (const batch of batches) results.push(await (await pool.holding(batch, trainables)).evaluate(batch));
      const loss = mean(results.map(({ logps, lengths }) => -total(logps) / total(lengths)));
      return { loss, ...tokenMetrics(results) };
    },
    tokens: (batch) => batch.inputIds.length,
    rowIds: (batch) => batch.rowIds ?? [],
    [Symbol.dispose]: () => pool[Symbol.dispose](),
  });
}

/** A draw of its own for every micro-batch of a run, the same after a resume; steps hold up to 65,535 micro-batches. */
const dropoutDraw = (step: number, index: number): number => (step * 0x1_0000 + index) >>> 0 || 1;

/** TRL's means over labelled tokens, averaged over the micro-batches. */
function tokenMetrics(results: SequenceResults[]): Record<string, number> {
  return {
    entropy: mean(results.map(({ entropies, lengths }) => total(entropies) / total(lengths))),
    mean_token_accuracy: mean(results.map(({ correct, lengths }) => total(correct) / total(lengths))),
  };
}
