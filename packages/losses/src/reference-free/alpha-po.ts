import type { BuiltInPreferenceLoss } from "../types.ts";
import { averageLogpLoss } from "./average-logp.ts";
import type { SimpoOptions } from "./simpo.ts";

/** As for SimPO, but `alpha` defaults to 0.25. */
export type AlphaPoOptions = SimpoOptions;

/**
 * AlphaPO (Gupta et al. 2025, arXiv 2501.03884): SimPO with the reward shaped by α, with p̄ = exp(log π(y) / |y|):
 * r = β (1 - p̄^-α) / α, L = -log σ(r_w - r_l - γ). α -> 0 is SimPO.
 *
 * Needs both lengths; gradients are wrt the sums.
 *
 * @example
 * const { loss } = alphaPo({ beta: 2.5, simpoGamma: 0.5, alpha: 0.25 })({ chosenLogps, rejectedLogps, chosenLengths, rejectedLengths });
 */
export function alphaPo(options: AlphaPoOptions = {}): BuiltInPreferenceLoss {
  return averageLogpLoss("alpha_po", options, 0.25);
}
