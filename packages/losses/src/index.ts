/** Losses on pairs, on single completions and on reward scores; each export is one loss, and `lossByName` finds any of them. */

export {
  type LossName,
  type LossOptions,
  lossByName,
  type PairedLossName,
  pairedLosses,
  type UnpairedLossName,
  unpairedLosses,
} from "./loss-by-name.ts";
export { type AotOptions, aot } from "./paired/aot.ts";
export { type AotUnpairedOptions, aotUnpaired } from "./paired/aot-unpaired.ts";
export { type ApoDownOptions, apoDown } from "./paired/apo-down.ts";
export { type ApoZeroOptions, apoZero } from "./paired/apo-zero.ts";
export { type BcoPairOptions, bcoPair } from "./paired/bco-pair.ts";
export { combine } from "./paired/combine.ts";
export { type ConservativeDpoOptions, conservativeDpo } from "./paired/conservative-dpo.ts";
export { type DiscopopOptions, discopop } from "./paired/discopop.ts";
export { type DpoOptions, dpo } from "./paired/dpo.ts";
export { type ExoPairOptions, exoPair } from "./paired/exo-pair.ts";
export { type DivergenceOptions, type FDivergence, fDivergences } from "./paired/f-divergence.ts";
export { type HingeOptions, hinge } from "./paired/hinge.ts";
export { type IpoOptions, ipo } from "./paired/ipo.ts";
export { type NcaPairOptions, ncaPair } from "./paired/nca-pair.ts";
export { type RobustOptions, robust } from "./paired/robust.ts";
export { type SftOptions, sft } from "./paired/sft.ts";
export { type SigmoidNormOptions, sigmoidNorm } from "./paired/sigmoid-norm.ts";
export { type SppoHardOptions, sppoHard } from "./paired/sppo-hard.ts";
export { type AlphaPoOptions, alphaPo } from "./reference-free/alpha-po.ts";
export { type CpoLossType, type CpoOptions, cpo } from "./reference-free/cpo.ts";
export { type OrpoOptions, orpo } from "./reference-free/orpo.ts";
export { type SimpoOptions, simpo } from "./reference-free/simpo.ts";
export { type RewardOptions, reward } from "./reward.ts";
export type {
  BuiltInPreferenceLoss,
  PreferenceLogps,
  PreferenceLoss,
  PreferenceLossOutput,
  RewardLoss,
  RewardScores,
  RunningMean,
  UnpairedLogps,
  UnpairedLoss,
  UnpairedLossOutput,
} from "./types.ts";
export { type ApoZeroUnpairedOptions, apoZeroUnpaired } from "./unpaired/apo-zero-unpaired.ts";
export { type BcoOptions, bco } from "./unpaired/bco.ts";
export { type KtoOptions, kto } from "./unpaired/kto.ts";
export { updateRunningMean } from "./unpaired/running-mean.ts";
