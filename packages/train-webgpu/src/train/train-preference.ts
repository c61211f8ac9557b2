import type { PreferenceBatch } from "@zephyr/data";
import type { PreferenceLoss } from "@zephyr/losses";
import { plans } from "./plans.ts";
import { type Batches, type Training, type TrainingOptions, train } from "./training.ts";
import type { PairResults, SequenceResults } from "./training-plan.ts";

export interface TrainPreferenceOptions extends TrainingOptions {
  /** Pairs with the reference's log-probabilities, e.g. `pipe(pairs, collatePreferences({ pairsPerBatch: 4 }))`. */
  batches: Batches<PreferenceBatch>;
  /** A loss of @zephyr/losses (runs on the device), or a TypeScript function of your own. */
  loss: PreferenceLoss;
  /** Whose log-probabilities the batches hold: the policy's own before training (checked at the first step), or another model's. */
  reference?: "initial-policy" | "other";
  /** Weight of the tokens beyond the shorter completion's length, 0 to 1 (LD-DPO, arXiv 2409.06411); give `referenceLogps` the same. */
  ldAlpha?: number;
  /** Weigh each pair by how likely the policy is to write it (WPO, arXiv 2406.11827). */
  useWeighting?: boolean;
}

const mean = (values: Float64Array | number[]): number =>
  (values as number[]).reduce((sum, value) => sum + value, 0) / values.length;
const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);

/**
 * Preference training of a policy on pairs; with `dpo` it is direct preference optimization (Rafailov et al. 2023, eq. 7).
 * The loss of an optimizer step is the mean over its batches of the mean over their pairs. Throws where the reference's
 * log-probabilities are missing or not those of this policy, and where a loss is not finite.
 *
 * @example
 * for await (const { step, metrics } of trainPreference({ policy, batches, loss: dpo({ beta: 0.1 }), learningRate: 5e-7 }))
 *   console.log(step, metrics.loss, metrics["rewards/margins"]);
 */
export function trainPreference(options: TrainPreferenceOptions): Training<PreferenceBatch> {
  const { policy, loss, reference = "initial-policy", ldAlpha, useWeighting } = options;
  if (useWeighting && loss.acceptsPairWeights === false) {
    throw new TypeError(
      "trainPreference: this loss sorts its batch, so weights would go to the wrong pairs; leave useWeighting out",
    );
  }
  const pool = plans(policy, options.activationCheckpointing ?? false, loss, { ldAlpha, useWeighting });
  let first = options.resumeFrom === undefined && reference === "initial-policy";
  return train(options, {
    async accumulate(window, trainables) {
      const all: Record<string, number>[] = [];
      for (const [index, batch] of window.entries()) {
        checkReference(batch, loss);
        const plan = await pool.holding(batch, trainables);
        const results = await plan.preference(batch, loss, { index, lossScale: 1 / window.length });
        if (first) checkStart(results.output, batch, loss);
        all.push(pairMetrics(results, batch.pairs));
      }
      first = false;
      return average(all);
    },
    async evaluate(batches, trainables) {
      const all: Record<string, number>[] = [];
      for await (const batch of batches) {
        checkReference(batch, loss);
        const plan = await pool.holding(batch, trainables);
        all.push(pairMetrics(await plan.evaluatePairs(batch, loss), batch.pairs));
      }
      return average(all);
    },
    tokens: (batch) => batch.inputIds.length,
    rowIds: (batch) => batch.rowIds ?? [],
    [Symbol.dispose]: () => pool[Symbol.dispose](),
  });
}

/** TRL's metrics of one micro-batch. */
function pairMetrics(results: SequenceResults & { output: PairResults }, pairs: number): Record<string, number> {
  const { logps, meanLogits, entropies, correct, lengths, output } = results;
  const { loss, chosenRewards, rejectedRewards } = output;
  const chosen = (values: Float64Array): Float64Array => values.subarray(0, pairs);
  const rejected = (values: Float64Array): Float64Array => values.subarray(pairs);
  return {
    loss,
    entropy: sum(entropies) / sum(lengths),
    "logits/chosen": sum(chosen(meanLogits)) / sum(chosen(lengths)),
    "logits/rejected": sum(rejected(meanLogits)) / sum(rejected(lengths)),
    mean_token_accuracy: sum(chosen(correct)) / sum(chosen(lengths)),
    "rewards/chosen": mean(chosenRewards),
    "rewards/rejected": mean(rejectedRewards),
    "rewards/accuracies": mean([...chosenRewards].map((reward, i) => (reward > rejectedRewards[i]! ? 1 : 0))),
    "rewards/margins": mean([...chosenRewards].map((reward, i) => reward - rejectedRewards[i]!)),
    "logps/chosen": mean(chosen(logps)),
    "logps/rejected": mean(rejected(logps)),
  };
}

function average(all: Record<string, number>[]): Record<string, number> {
  return Object.fromEntries(Object.keys(all[0] ?? {}).map((name) => [name, mean(all.map((metrics) => metrics[name]!))]));
}

function checkReference(batch: PreferenceBatch, loss: PreferenceLoss): void {
  if (loss.needsReference === false || (batch.refChosenLogps && batch.refRejectedLogps)) return;
  throw new TypeError(
    "trainPreference: a batch has no reference log-probabilities; put referenceLogps(policy) before collatePreferences, and write the rows before training starts",
  );
}

/** Before the first step policy and reference are one model, so every reward must be 0; rounding on another adapter is allowed for. */
function checkStart({ chosenRewards, rejectedRewards }: PairResults, batch: PreferenceBatch, loss: PreferenceLoss): void {
  if (loss.needsReference === false) return;
  const worst = Math.max(...[...chosenRewards, ...rejectedRewards].map(Math.abs));
  if (worst <= 0.01) return;
  const rows = batch.rowIds ? ` (rows ${batch.rowIds.slice(0, 4).join(", ")})` : "";
  throw new RangeError(
    `trainPreference: before the first step a reward is ${worst.toPrecision(3)}, but policy and reference should be the same model${rows}; compute referenceLogps with this very policy before training, or pass reference: "other"`,
  );
}
