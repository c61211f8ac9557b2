import { add, atMost, div, type Expression, expm1, logSigmoid, mul, neg, sub } from "../arithmetic/expression.ts";
import { optionError, readChoice, readOptions } from "../options.ts";
import { chosenLogRatio, rejectedLogRatio } from "./definition.ts";

/** The divergences of f-DPO, by TRL's names. */
export const fDivergences = ["reverse_kl", "forward_kl", "js_divergence", "alpha_divergence"] as const;
/** The name of a divergence. */
export type FDivergence = (typeof fDivergences)[number];

/** Which divergence from the reference the policy is held to. */
export interface DivergenceOptions {
  /** Default `reverse_kl`, which is plain DPO. */
  readonly fDivergenceType?: FDivergence | undefined;
  /** α of `alpha_divergence`; default 0.5, and 1 is `reverse_kl`. */
  readonly fAlphaDivergenceCoef?: number | undefined;
}

export const divergenceOptionNames = ["fDivergenceType", "fAlphaDivergenceCoef"] as const;

/** Largest exponent that TRL lets into the α-divergence: e^80 is within float32. */
const ALPHA_EXPONENT_LIMIT = 80;

/**
 * The scores of chosen and rejected, f'(π / π_ref) (f-DPO, arXiv 2309.16240; f' of each divergence is in its Table 1).
 *
 * With u = log π - log π_ref: u for reverse KL (without its constant), 1 - e^-u for forward KL, log σ(u) + log 2 for
 * Jensen-Shannon, and (e^((α-1) u) - 1) / (α-1) for the α-divergence. Only losses of a difference of scores take a
 * divergence, since only there the partition function cancels; but the constants matter where scores are averaged over
 * unequal lengths. Throws TypeError on an unknown divergence and on a coefficient without effect.
 */
export function divergenceScores(loss: string, given: DivergenceOptions): { chosenScore: Expression; rejectedScore: Expression } {
  const { fDivergenceType, fAlphaDivergenceCoef } = given;
  const divergence = readChoice(loss, "fDivergenceType", fDivergenceType ?? "reverse_kl", fDivergences);
  const { fAlphaDivergenceCoef: alpha } = readOptions(loss, { fAlphaDivergenceCoef }, { fAlphaDivergenceCoef: { default: 0.5 } });
  if (divergence !== "alpha_divergence" && alpha.value !== 0.5) {
    const message = `${loss}: fAlphaDivergenceCoef is ${alpha.value} but fDivergenceType is "${divergence}"; set "alpha_divergence"`;
    throw optionError(TypeError, message);
  }
  const score = (logRatio: Expression): Expression => {
    switch (divergence) {
      case "reverse_kl":
        return logRatio;
      case "forward_kl":
        return neg(expm1(neg(logRatio)));
      case "js_divergence":
        return add(logSigmoid(logRatio), Math.LN2);
      case "alpha_divergence": {
        if (Math.abs(alpha.value - 1) < 1e-6) return logRatio;
        const power = sub(alpha, 1);
        return div(expm1(atMost(mul(power, logRatio), ALPHA_EXPONENT_LIMIT)), power);
      }
    }
  };
  return { chosenScore: score(chosenLogRatio), rejectedScore: score(rejectedLogRatio) };
}
