import { add, type Expression, input, mul, type OptionExpression, sub } from "../arithmetic/expression.ts";

/** The inputs of a paired equation; `chosen` and `rejected` are the variables, the others are held constant. */
export const chosen = input("chosen");
export const rejected = input("rejected");
export const refChosen = input("ref_chosen");
export const refRejected = input("ref_rejected");
export const chosenLength = input("chosen_length");
export const rejectedLength = input("rejected_length");

/** log π(y_w | x) - log π_ref(y_w | x), and the same for y_l. */
export const chosenLogRatio = sub(chosen, refChosen);
export const rejectedLogRatio = sub(rejected, refRejected);

/** The inputs of a sorted term's equation: the k-th smallest first key and the k-th smallest second key. */
export const firstQuantile = input("first_quantile");
export const secondQuantile = input("second_quantile");

/** A term over the batch's sorted keys: `loss` of the k-th smallest first and second key, summed over the ranks k. */
export interface SortedTerm {
  readonly first: Expression;
  readonly second: Expression;
  readonly loss: Expression;
}

/** A paired loss as equations: the sum of its terms. */
export interface PairedDefinition {
  readonly name: string;
  /** Loss of one pair. */
  readonly pairwise?: Expression;
  /** Weight of the supervised term, -Σ chosen logps / Σ chosen lengths over the batch. */
  readonly supervisedWeight?: Expression;
  readonly sorted?: readonly SortedTerm[];
  readonly chosenReward: Expression;
  readonly rejectedReward: Expression;
}

/** The implicit rewards of DPO (arXiv 2305.18290, Section 4): β (log π - log π_ref). */
export function implicitRewards(beta: OptionExpression): Pick<PairedDefinition, "chosenReward" | "rejectedReward"> {
  return { chosenReward: mul(beta, chosenLogRatio), rejectedReward: mul(beta, rejectedLogRatio) };
}

/** Σ weight_k loss_k as one definition, with the rewards of the first. */
export function weightedSum(name: string, parts: readonly PairedDefinition[], weights: readonly Expression[]): PairedDefinition {
  const scaled = (select: (part: PairedDefinition) => Expression | undefined): Expression | undefined => {
    const terms = parts.flatMap((part, k) => {
      const term = select(part);
      return term === undefined ? [] : [mul(weights[k]!, term)];
    });
    return terms.length === 0 ? undefined : add(terms[0]!, ...terms.slice(1));
  };
  const pairwise = scaled((part) => part.pairwise);
  const supervisedWeight = scaled((part) => part.supervisedWeight);
  const sorted = parts.flatMap((part, k) => (part.sorted ?? []).map((term) => ({ ...term, loss: mul(weights[k]!, term.loss) })));
  const { chosenReward, rejectedReward } = parts[0]!;
  return {
    name,
    ...(pairwise && { pairwise }),
    ...(supervisedWeight && { supervisedWeight }),
    ...(sorted.length > 0 && { sorted }),
    chosenReward,
    rejectedReward,
  };
}
