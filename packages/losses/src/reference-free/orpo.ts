import { atMost, log1mExp, logSigmoid, mul, neg, sub } from "../arithmetic/expression.ts";
import { betaOption, readOptions } from "../options.ts";
import { pairedLoss } from "../paired/paired-loss.ts";
import type { BuiltInPreferenceLoss } from "../types.ts";
import { chosenAverage, rejectedAverage } from "./average-logp.ts";
import { supervisedTerm } from "./supervised-term.ts";

export interface OrpoOptions {
  /** λ, the weight of the odds-ratio term; default 0.1. */
  readonly beta?: number | undefined;
  /** Weight of the supervised term; default 1, and 0 turns it off. */
  readonly sftWeight?: number | undefined;
}

/** A certain completion (log-probability 0, or above by rounding) has infinite odds; this keeps the loss finite. */
const LARGEST_LOGP = -1e-30;

/**
 * Odds ratio preference optimization (Hong et al. 2024, arXiv 2403.07691, Eqs. 4, 6 and 7), with a = log π(y) / |y|:
 * L = NLL(y_w) - λ log σ(log odds_w - log odds_l), log odds = a - log(1 - e^a). No reference model.
 *
 * The NLL is per chosen completion token; TRL's ORPO trainer averages it over the prompt's tokens as well. `sftLoss` of
 * the result holds it. Needs both lengths.
 *
 * @example
 * const { loss, sftLoss } = orpo({ beta: 0.1 })({ chosenLogps, rejectedLogps, chosenLengths, rejectedLengths });
 */
export function orpo(options: OrpoOptions = {}): BuiltInPreferenceLoss {
  const { beta, sftWeight } = readOptions("orpo", options, { beta: betaOption, sftWeight: { default: 1, from: 0 } });
  const chosenLogp = atMost(chosenAverage, LARGEST_LOGP);
  const rejectedLogp = atMost(rejectedAverage, LARGEST_LOGP);
  const logOddsRatio = sub(sub(chosenLogp, log1mExp(chosenLogp)), sub(rejectedLogp, log1mExp(rejectedLogp)));
  return pairedLoss({
    name: "orpo",
    pairwise: neg(mul(beta, logSigmoid(logOddsRatio))),
    ...supervisedTerm(sftWeight),
    chosenReward: mul(beta, chosenAverage),
    rejectedReward: mul(beta, rejectedAverage),
  });
}
