import { add, div, type Expression, expm1, logSigmoid, mul, neg, sub } from "../arithmetic/expression.ts";
import { readOptions, smoothingOption } from "../options.ts";
import { chosen, chosenLength, rejected, rejectedLength } from "../paired/definition.ts";
import { pairedLoss } from "../paired/paired-loss.ts";
import type { BuiltInPreferenceLoss } from "../types.ts";
import { cpoAlphaOption, supervisedTerm } from "./supervised-term.ts";

/** log π(y_w) / |y_w| and log π(y_l) / |y_l|: nats per token. */
export const chosenAverage = div(chosen, chosenLength);
export const rejectedAverage = div(rejected, rejectedLength);

/** SimPO and AlphaPO, which differ in the default of `alpha` alone. */
export function averageLogpLoss(name: string, options: object, defaultAlpha: number): BuiltInPreferenceLoss {
  const { beta, simpoGamma, labelSmoothing, cpoAlpha, alpha } = readOptions(name, options, {
    beta: { default: 2, above: 0 },
    simpoGamma: { default: 0.5 },
    labelSmoothing: smoothingOption,
    cpoAlpha: { ...cpoAlphaOption, default: 0 },
    alpha: { default: defaultAlpha },
  });
  // (1 - e^(-α a)) / α, whose limit at α = 0 is a.
  const shaped = (average: Expression): Expression =>
    alpha.value === 0 ? average : neg(div(expm1(neg(mul(alpha, average))), alpha));
  const chosenReward = mul(beta, shaped(chosenAverage));
  const rejectedReward = mul(beta, shaped(rejectedAverage));
  const margin = sub(sub(chosenReward, rejectedReward), simpoGamma);
  const trusted = mul(sub(1, labelSmoothing), logSigmoid(margin));
  const flipped = mul(labelSmoothing, logSigmoid(neg(margin)));
  const pairwise = neg(add(trusted, flipped));
  return pairedLoss({ name, pairwise, ...supervisedTerm(cpoAlpha), chosenReward, rejectedReward });
}
