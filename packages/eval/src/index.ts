export { type AskOptions, askAll, type Call, callKey, type Replies } from "./judging/ask-all.ts";
export { fileReplies } from "./judging/file-replies.ts";
export {
  type Answer,
  type AnswerSet,
  type CompareOptions,
  type Comparison,
  compare,
  type JudgedPair,
  tally,
  type Winner,
} from "./pairwise/compare.ts";
export {
  type PairwiseQuestion,
  pairwisePrompt,
  parsePairwisePrompt,
  parseVerdict,
  type Verdict,
} from "./pairwise/pairwise-prompt.ts";
export { type Calibration, type CalibrationBin, calibration } from "./preferences/calibration.ts";
export {
  type PairGroup,
  type PreferenceAccuracy,
  preferenceAccuracy,
  type RewardedPair,
} from "./preferences/preference-accuracy.ts";
export { type CpythonRandom, cpythonRandom } from "./random/cpython-random.ts";
export { type BootstrapInterval, type BootstrapOptions, bootstrap } from "./statistics/bootstrap.ts";
export {
  type Cluster,
  clusteredInterval,
  type Interval,
  type IntervalOptions,
  meanInterval,
  rateInterval,
} from "./statistics/interval.ts";
export { type PairedDifference, pairedDifference } from "./statistics/paired-difference.ts";
export { sampleSize } from "./statistics/sample-size.ts";
