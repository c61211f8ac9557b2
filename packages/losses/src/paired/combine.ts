import { option } from "../arithmetic/expression.ts";
import { optionError } from "../options.ts";
import type { BuiltInPreferenceLoss } from "../types.ts";
import { type PairedDefinition, weightedSum } from "./definition.ts";
import { definitionOf, pairedLoss } from "./paired-loss.ts";

/**
 * Σ weight_k loss_k as one loss, on the device too (MPO, Wang et al. 2024, arXiv 2411.10442, Section 3.2).
 *
 * `lossWeights` default to 1 each, as in TRL. Rewards are those of the first loss. Throws TypeError on a loss that is not
 * of this package or a wrong number of weights.
 *
 * @example
 * const mpo = combine([dpo(), bcoPair(), sft()], [0.8, 0.2, 1]);
 */
export function combine(losses: readonly BuiltInPreferenceLoss[], lossWeights?: readonly number[] | null): BuiltInPreferenceLoss {
  const weights = lossWeights ?? losses.map(() => 1);
  if (losses.length === 0) throw optionError(TypeError, "combine: no losses given; give at least one");
  if (weights.length !== losses.length) {
    throw optionError(TypeError, `combine: ${losses.length} losses but ${weights.length} lossWeights; give one weight per loss`);
  }
  const bad = weights.findIndex((weight) => typeof weight !== "number" || !Number.isFinite(weight));
  if (bad >= 0) throw optionError(TypeError, `combine: lossWeights[${bad}] is ${weights[bad]}; must be a finite number`);
  const parts = losses.map((loss, k): PairedDefinition => {
    const definition = definitionOf(loss);
    if (definition) return definition;
    throw optionError(
      TypeError,
      `combine: losses[${k}] is not a paired loss of this package; combine your own in your own function`,
    );
  });
  if (losses.length === 1 && !lossWeights) return losses[0]!;
  const name = parts.map((part) => part.name).join("+");
  return pairedLoss(
    weightedSum(
      name,
      parts,
      weights.map((weight, k) => option(`lossWeight${k}`, weight)),
    ),
  );
}
