import { evaluate } from "../arithmetic/evaluate.ts";
import type { Expression } from "../arithmetic/expression.ts";
import type { Dual } from "../arithmetic/operations.ts";
import { constant } from "../inputs.ts";
import type { PreferenceLogps, PreferenceLossOutput } from "../types.ts";
import type { PairedDefinition, SortedTerm } from "./definition.ts";

type PairInputs = Readonly<Record<string, Dual>>;

/**
 * A paired definition on a batch, in float64: the float64 twin of the driver that `wgsl/preference-loss.ts` writes.
 *
 * Each kind of term gives one dual per pair: its entry of `losses`, and B times the gradient of the mean loss wrt the
 * pair's chosen and rejected log-probability.
 */
export function evaluateBatch(definition: PairedDefinition, logps: PreferenceLogps): PreferenceLossOutput {
  const { pairwise, supervisedWeight, sorted = [] } = definition;
  const size = logps.chosenLogps.length;
  const pairs = Array.from({ length: size }, (_, i) => pairInputs(logps, i));
  const weights = logps.pairWeights ?? new Float64Array(size).fill(1);
  const sftLoss = supervisedWeight && tokenMean(logps);
  const terms: Dual[][] = sorted.map((term) => sortedEntries(term, pairs));
  if (pairwise) terms.push(pairs.map((pair, i) => scale(weights[i]!, evaluate(pairwise, pair))));
  if (supervisedWeight) terms.push(supervisedEntries(evaluate(supervisedWeight, {})[0], logps, weights));
  const total = (part: 0 | 1 | 2) => Float64Array.from(pairs, (_, i) => terms.reduce((sum, term) => sum + term[i]![part], 0));
  const values = (equation: Expression) => Float64Array.from(pairs, (pair) => evaluate(equation, pair)[0]);
  const losses = total(0);
  return {
    loss: sumOf(losses) / size,
    losses,
    chosenRewards: values(definition.chosenReward),
    rejectedRewards: values(definition.rejectedReward),
    chosenGrad: total(1).map((gradient) => gradient / size),
    rejectedGrad: total(2).map((gradient) => gradient / size),
    ...(sftLoss !== undefined && { sftLoss }),
  };
}

/** The inputs of pair i; chosen and rejected are the variables. A reference that no term reads counts as 0. */
function pairInputs(logps: PreferenceLogps, i: number): PairInputs {
  return {
    chosen: [logps.chosenLogps[i]!, 1, 0],
    rejected: [logps.rejectedLogps[i]!, 0, 1],
    ref_chosen: constant(logps.refChosenLogps?.[i] ?? 0),
    ref_rejected: constant(logps.refRejectedLogps?.[i] ?? 0),
    chosen_length: constant(logps.chosenLengths?.[i] ?? 1),
    rejected_length: constant(logps.rejectedLengths?.[i] ?? 1),
  };
}

/** Entry k holds the loss of rank k; gradients go back to the pairs whose keys had that rank. */
function sortedEntries({ first, second, loss }: SortedTerm, pairs: readonly PairInputs[]): Dual[] {
  const firstKeys = pairs.map((pair) => evaluate(first, pair));
  const secondKeys = pairs.map((pair) => evaluate(second, pair));
  const firstOrder = ascending(firstKeys);
  const secondOrder = ascending(secondKeys);
  const entries = pairs.map((): [number, number, number] => [0, 0, 0]);
  for (let rank = 0; rank < pairs.length; rank++) {
    const [a, b] = [firstOrder[rank]!, secondOrder[rank]!];
    const [value, dFirst, dSecond] = evaluate(loss, {
      first_quantile: [firstKeys[a]![0], 1, 0],
      second_quantile: [secondKeys[b]![0], 0, 1],
    });
    entries[rank]![0] = value;
    for (const variable of [1, 2] as const) {
      entries[a]![variable] += dFirst * firstKeys[a]![variable];
      entries[b]![variable] += dSecond * secondKeys[b]![variable];
    }
  }
  return entries;
}

/** Indices that put `keys` in ascending order; equal keys keep their order. */
const ascending = (keys: readonly Dual[]): number[] => keys.map((_, i) => i).sort((a, b) => keys[a]![0] - keys[b]![0] || a - b);

/** The token mean is one number shared by all pairs, so its gradient carries the sum of their weights. */
function supervisedEntries(weight: number, logps: PreferenceLogps, pairWeights: Float64Array): Dual[] {
  const gradient = (-weight * sumOf(pairWeights)) / sumOf(logps.chosenLengths!);
  return Array.from(pairWeights, (pairWeight): Dual => [weight * pairWeight * tokenMean(logps), gradient, 0]);
}

/** -Σ chosen logps / Σ chosen lengths: the mean negative log-likelihood of a chosen token. */
const tokenMean = (logps: PreferenceLogps): number => -sumOf(logps.chosenLogps) / sumOf(logps.chosenLengths!);

const scale = (weight: number, [value, first, second]: Dual): Dual => [weight * value, weight * first, weight * second];
const sumOf = (array: Float64Array): number => array.reduce((sum, value) => sum + value, 0);
