export { type AlpacaEvalOptions, type AlpacaEvalResult, alpacaEval } from "./alpaca-eval/alpaca-eval.ts";
export { type AnnotateOptions, annotate, fillTemplate, parseChatTemplate } from "./alpaca-eval/annotate.ts";
export { isSwitched, parseRanking, parseTokenLogprobs, preferenceFromReply } from "./alpaca-eval/annotator-replies.ts";
export {
  hasLengthControlData,
  LENGTH_CONTROL_SOURCE,
  type LengthControlData,
  readLengthControlData,
} from "./alpaca-eval/length-control-data.ts";
export {
  C_GRID,
  type LengthControlled,
  type LengthControlWeights,
  lengthControlledWinRate,
  recoverDifficulty,
  winRateFromWeights,
} from "./alpaca-eval/length-controlled.ts";
export { type Annotation, averageLength, codePoints, type ModelOutput } from "./alpaca-eval/rows.ts";
export { type WinRate, winRate } from "./alpaca-eval/win-rate.ts";
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
export {
  ablationTable,
  academicTable,
  chatTable,
  type OwnRow,
  PAPER_TABLE_1,
  PAPER_TABLE_2,
  PAPER_TABLE_3,
} from "./paper/zephyr-tables.ts";
export { type Calibration, type CalibrationBin, calibration } from "./preferences/calibration.ts";
export {
  type PairGroup,
  type PreferenceAccuracy,
  preferenceAccuracy,
  type RewardedPair,
} from "./preferences/preference-accuracy.ts";
export { type CpythonRandom, cpythonRandom } from "./random/cpython-random.ts";
export { report } from "./report/report.ts";
export type {
  Cell,
  CurveSeries,
  ReportColumn,
  ReportComparison,
  ReportCurves,
  ReportInput,
  ReportRadar,
  ReportSample,
  ReportStage,
  ReportTable,
} from "./report/report-input.ts";
export { type TrainingLog, trainingCurves } from "./report/training-curves.ts";
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
