import { option } from "../arithmetic/expression.ts";
import { betaOption, readOptions } from "../options.ts";
import type { BuiltInPreferenceLoss } from "../types.ts";
import { implicitRewards } from "./definition.ts";
import { type DivergenceOptions, divergenceOptionNames, divergenceScores } from "./f-divergence.ts";
import { pairedLoss } from "./paired-loss.ts";

export interface SftOptions extends DivergenceOptions {
  /** Scales the logged rewards only; default 0.1. */
  readonly beta?: number | undefined;
}

/**
 * Supervised loss on the chosen answers, TRL's `sft`: the negative log-likelihood per chosen token of the batch,
 * L = -Σ log π(y_w) / Σ |y_w|. Every entry of `losses` is that one number.
 *
 * Needs `chosenLengths` and no reference. Added to DPO it is the RPO objective (arXiv 2405.16436, Section 5).
 *
 * @example
 * const { loss } = sft()({ chosenLogps, rejectedLogps, chosenLengths, rejectedLengths });
 */
export function sft(options: SftOptions = {}): BuiltInPreferenceLoss {
  const { beta } = readOptions("sft", options, { beta: betaOption }, divergenceOptionNames);
  // The supervised loss reads no scores; a divergence is checked and has no effect, so that it may stand in a sum.
  divergenceScores("sft", options);
  return pairedLoss({ name: "sft", supervisedWeight: option("sftWeight", 1), ...implicitRewards(beta) });
}
