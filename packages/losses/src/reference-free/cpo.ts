import {
  add,
  div,
  type Expression,
  logSigmoid,
  mul,
  neg,
  type OptionExpression,
  relu,
  square,
  sub,
} from "../arithmetic/expression.ts";
import { betaOption, readChoice, readOptions, smoothingOption } from "../options.ts";
import { chosen, rejected } from "../paired/definition.ts";
import { pairedLoss } from "../paired/paired-loss.ts";
import type { BuiltInPreferenceLoss } from "../types.ts";
import { chosenAverage, rejectedAverage } from "./average-logp.ts";
import { simpo } from "./simpo.ts";
import { cpoAlphaOption, supervisedTerm } from "./supervised-term.ts";

const cpoLossTypes = ["sigmoid", "hinge", "ipo", "simpo"] as const;
/** The shape of CPO's preference term. */
export type CpoLossType = (typeof cpoLossTypes)[number];

export interface CpoOptions {
  /** Scale of the log-probability margin; default 0.1. */
  readonly beta?: number | undefined;
  /** Shape of the preference term; default `sigmoid`. `simpo` is the loss `simpo` with TRL's defaults of CPO. */
  readonly lossType?: CpoLossType | undefined;
  /** ε, the probability that a label is flipped (`sigmoid` only); default 0. */
  readonly labelSmoothing?: number | undefined;
  /** Weight of the supervised term on the chosen answers; default 1, and 0 turns it off. */
  readonly cpoAlpha?: number | undefined;
  /** For `lossType: "simpo"`: SimPO's γ and AlphaPO's α. */
  readonly simpoGamma?: number | undefined;
  readonly alpha?: number | undefined;
}

/**
 * Contrastive preference optimization (Xu et al. 2024, arXiv 2401.08417, Eq. 3 and the NLL term of its full objective):
 * L = -log σ(β (log π(y_w) - log π(y_l))) + cpoAlpha · NLL(y_w). No reference model.
 *
 * `lossType: "hinge"` and `"ipo"` replace the first term by TRL's variants; `ipo` averages over tokens. `sftLoss` of the
 * result is the NLL per chosen token. Needs lengths for `ipo` and unless `cpoAlpha` is 0.
 *
 * @example
 * const { loss, sftLoss } = cpo({ beta: 0.1, cpoAlpha: 1 })({ chosenLogps, rejectedLogps, chosenLengths, rejectedLengths });
 */
export function cpo(options: CpoOptions = {}): BuiltInPreferenceLoss {
  const lossType = readChoice("cpo", "lossType", options.lossType ?? "sigmoid", cpoLossTypes);
  if (lossType === "simpo") {
    const { lossType: _, beta = 0.1, cpoAlpha = 1, ...rest } = options;
    return simpo({ ...rest, beta, cpoAlpha });
  }
  const ranges = { beta: betaOption, labelSmoothing: smoothingOption, cpoAlpha: cpoAlphaOption };
  const { beta, labelSmoothing, cpoAlpha } = readOptions("cpo", options, ranges, ["lossType"]);
  // Neither hinge nor ipo has a smoothed form: refuse the option as for any loss that does not take it.
  if (lossType !== "sigmoid")
    readOptions(`cpo ${lossType}`, { labelSmoothing: labelSmoothing.value }, { beta: betaOption }, ["cpoAlpha"]);
  const averaged = lossType === "ipo";
  const [chosenLogp, rejectedLogp] = averaged ? [chosenAverage, rejectedAverage] : [chosen, rejected];
  return pairedLoss({
    name: lossType === "sigmoid" ? "cpo" : `cpo_${lossType}`,
    pairwise: preferenceTerm(lossType, sub(chosenLogp, rejectedLogp), beta, labelSmoothing),
    ...supervisedTerm(cpoAlpha),
    chosenReward: mul(beta, chosenLogp),
    rejectedReward: mul(beta, rejectedLogp),
  });
}

type Shape = Exclude<CpoLossType, "simpo">;

function preferenceTerm(lossType: Shape, logRatio: Expression, beta: OptionExpression, smoothing: OptionExpression): Expression {
  const margin = mul(beta, logRatio);
  switch (lossType) {
    case "sigmoid":
      return neg(add(mul(sub(1, smoothing), logSigmoid(margin)), mul(smoothing, logSigmoid(neg(margin)))));
    case "hinge":
      return relu(sub(1, margin));
    case "ipo":
      return square(sub(logRatio, div(1, mul(2, beta))));
  }
}
