/** Log-probabilities of B pairs, each the sum over its completion's tokens, in nats; every array is [B]. */
export interface PreferenceLogps {
  readonly chosenLogps: Float64Array;
  readonly rejectedLogps: Float64Array;
  /** The frozen model's, as computed before the policy moved. Absent for a loss that needs no reference. */
  readonly refChosenLogps?: Float64Array | undefined;
  readonly refRejectedLogps?: Float64Array | undefined;
  /** Completion lengths in tokens, for losses that average over tokens. */
  readonly chosenLengths?: Float64Array | undefined;
  readonly rejectedLengths?: Float64Array | undefined;
  /** Weight of each pair's loss, held constant (WPO, arXiv 2406.11827 Eq. 2); 1 when absent. */
  readonly pairWeights?: Float64Array | undefined;
}

/** What a paired loss returns; every array is [B]. */
export interface PreferenceLossOutput {
  /** Mean of `losses`. */
  readonly loss: number;
  readonly losses: Float64Array;
  /** Implicit rewards, for the log: β (log π - log π_ref) unless the loss defines its own. */
  readonly chosenRewards: Float64Array;
  readonly rejectedRewards: Float64Array;
  /** d loss / d chosenLogps: the gradient of the mean loss wrt the summed log-probabilities. */
  readonly chosenGrad: Float64Array;
  readonly rejectedGrad: Float64Array;
  /** Negative log-likelihood per chosen token, before its weight; only from losses with a supervised term. */
  readonly sftLoss?: number;
}

/**
 * A paired loss: a pure function from log-probabilities to losses and gradients. A function of your own needs no more
 * than the call signature (the trainer then reads 2B numbers back per micro-batch).
 */
export interface PreferenceLoss {
  (logps: PreferenceLogps): PreferenceLossOutput;
  /** False when the loss never reads the reference, so that none need be computed. Absent means true. */
  readonly needsReference?: boolean;
  /** False when the loss never reads the completion lengths. Absent means true. */
  readonly needsLengths?: boolean;
  /** False when the loss sorts its batch, which would misalign `pairWeights`. Absent means true. */
  readonly acceptsPairWeights?: boolean;
  /** WGSL that defines `fn preference_loss(pairs: u32)`; see the README for the functions that its host defines. */
  readonly wgsl?: string;
  /** The values that `loss_option(k)` returns. */
  readonly wgslOptions?: readonly number[];
}

/** A paired loss of this package: it also runs on the device. */
export interface BuiltInPreferenceLoss extends PreferenceLoss {
  readonly name: string;
  readonly needsReference: boolean;
  readonly needsLengths: boolean;
  readonly acceptsPairWeights: boolean;
  readonly wgsl: string;
  readonly wgslOptions: readonly number[];
}

/** B single completions with a thumbs-up or thumbs-down each; every array is [B]. */
export interface UnpairedLogps {
  readonly logps: Float64Array;
  readonly refLogps: Float64Array;
  /** True (or 1) where the completion is desirable. */
  readonly labels: ArrayLike<boolean | number>;
  /** KTO: the estimate of KL(π || π_ref) from mismatched pairs, in nats; below 0 it counts as 0. Default 0. */
  readonly kl?: number | undefined;
  /** BCO: the reward shift, taken as it is. Without it the shift is `running` updated with this batch. */
  readonly delta?: number | undefined;
  /** BCO: mean of all rewards before this batch. */
  readonly running?: RunningMean | undefined;
}

/** Mean of `count` numbers seen so far. */
export interface RunningMean {
  readonly mean: number;
  readonly count: number;
}

/** What an unpaired loss returns; arrays are [B], in the order of the input. */
export interface UnpairedLossOutput {
  /** Mean of `losses`. */
  readonly loss: number;
  readonly losses: Float64Array;
  readonly rewards: Float64Array;
  /** d loss / d logps. */
  readonly grad: Float64Array;
  /** BCO: the state to hand to the next batch. */
  readonly running?: RunningMean;
}

/** An unpaired loss: KTO, BCO and the unpaired APO-zero. */
export interface UnpairedLoss {
  (logps: UnpairedLogps): UnpairedLossOutput;
  readonly name: string;
  readonly needsReference: true;
  /** WGSL that defines `fn unpaired_loss(count: u32)`. */
  readonly wgsl: string;
  readonly wgslOptions: readonly number[];
  /** Slots of `wgslOptions` that the host overwrites for each batch. */
  readonly wgslBatchOptions: Readonly<Partial<Record<"kl" | "runningMean" | "runningCount", number>>>;
}

/** Scores of a reward model for B pairs; every array is [B]. */
export interface RewardScores {
  readonly chosenRewards: Float64Array;
  readonly rejectedRewards: Float64Array;
  /** How much better the chosen completion was judged; 0 when absent. */
  readonly margins?: Float64Array | undefined;
}

/** The Bradley-Terry loss of a reward model; `chosenGrad` is d loss / d chosenRewards. */
export interface RewardLoss {
  (scores: RewardScores): PreferenceLossOutput;
  readonly name: string;
  readonly needsReference: false;
  /** As for a paired loss; scores come through `chosen_logps` and `rejected_logps`, margins through `ref_chosen_logps`. */
  readonly wgsl: string;
  readonly wgslOptions: readonly number[];
}
