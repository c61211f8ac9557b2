import { add, logSigmoid, mul, neg, square, sub } from "./arithmetic/expression.ts";
import { batchSize, checkFinite, checkLengths, missing } from "./inputs.ts";
import { readOptions } from "./options.ts";
import { chosen, refChosen, rejected } from "./paired/definition.ts";
import { pairedLoss } from "./paired/paired-loss.ts";
import type { RewardLoss, RewardScores } from "./types.ts";

export interface RewardOptions {
  /** Weight of (r_w + r_l)², which keeps the scores around 0; default 0. */
  readonly centerRewardsCoefficient?: number | undefined;
}

/**
 * Bradley-Terry loss of a reward model (Ouyang et al. 2022, arXiv 2203.02155, Eq. 1, with the margin of Llama 2,
 * arXiv 2307.09288, Eq. 2, and the centering of arXiv 2312.09244): L = -log σ(r_w - r_l - m) + c (r_w + r_l)².
 *
 * Takes scores [B] instead of log-probabilities; gradients are wrt the scores.
 *
 * @example
 * const { loss, chosenGrad } = reward()({ chosenRewards, rejectedRewards, margins });
 */
export function reward(options: RewardOptions = {}): RewardLoss {
  const { centerRewardsCoefficient } = readOptions("reward", options, { centerRewardsCoefficient: { default: 0, from: 0 } });
  // The margin stands where a paired loss has the reference, so that one device kernel serves both.
  const preference = neg(logSigmoid(sub(sub(chosen, rejected), refChosen)));
  const pairwise = add(preference, mul(centerRewardsCoefficient, square(add(chosen, rejected))));
  const paired = pairedLoss({ name: "reward", pairwise, chosenReward: chosen, rejectedReward: rejected });
  const loss = ({ chosenRewards, rejectedRewards, margins }: RewardScores) => {
    const size = batchSize("reward", "chosenRewards", chosenRewards);
    if (rejectedRewards === undefined) throw missing("reward", "rejectedRewards");
    const arrays = { chosenRewards, rejectedRewards, margins };
    checkLengths("reward", arrays);
    for (const [name, array] of Object.entries(arrays)) if (array) checkFinite("reward", name, array);
    const none = new Float64Array(size);
    const refs = { refChosenLogps: margins ?? none, refRejectedLogps: none };
    return paired({ chosenLogps: chosenRewards, rejectedLogps: rejectedRewards, ...refs });
  };
  Object.defineProperty(loss, "name", { value: "reward", enumerable: true });
  const { wgsl, wgslOptions } = paired;
  return Object.assign(loss, { needsReference: false as const, wgsl, wgslOptions }) as RewardLoss;
}
