import { atMost, div, type Expression, exp, logSigmoid, mul, neg, sub } from "../arithmetic/expression.ts";
import { optionError, readChoice, readOptions } from "../options.ts";
import { chosenLogRatio, rejectedLogRatio } from "./definition.ts";

export const fDivergences = ["reverse_kl", "forward_kl", "js_divergence", "alpha_divergence"] as const;
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
 * The scores of chosen and rejected: f'(π / π_ref) without its constant (f-DPO, arXiv 2309.16240, Theorem 1 and Table 1).
 *
 * With u = log π - log π_ref: u for reverse KL, -e^-u for forward KL, log σ(u) for Jensen-Shannon, and
 * e^((α-1) u) / (α-1) for the α-divergence. Throws TypeError on an unknown divergence and on a coefficient without effect.
 */
export function divergenceScores(loss: string, given: DivergenceOptions): { chosenScore: Expression; rejectedScore: Expression } {
  const { fDivergenceType, fAlphaDivergenceCoef } = given;
  const divergence = readChoice(loss, "fDivergenceType", fDivergenceType ?? "reverse_kl", fDivergences);
  const { fAlphaDivergenceCoef: alpha } = readOptions(loss, { fAlphaDivergenceCoef }, { fAlphaDivergenceCoef: { default: 0.5 } });
  if (divergence !== "alpha_divergence" && alpha.value !== 0.5) {
    throw optionError(
      TypeError,
      `${loss}: fAlphaDivergenceCoef is ${alpha.value} but fDivergenceType is "${divergence}"; set "alpha_divergence"`,
    );
  }
  const score = (logRatio: Expression): Expression => {
    switch (divergence) {
      case "reverse_kl":
        return logRatio;
      case "forward_kl":
        return neg(exp(neg(logRatio)));
      case "js_divergence":
        return logSigmoid(logRatio);
      case "alpha_divergence": {
        if (Math.abs(alpha.value - 1) < 1e-6) return logRatio;
        const power = sub(alpha, 1);
        return div(exp(atMost(mul(power, logRatio), ALPHA_EXPONENT_LIMIT)), power);
      }
    }
  };
  return { chosenScore: score(chosenLogRatio), rejectedScore: score(rejectedLogRatio) };
}
