export { type AlpacaEvalOptions, type AlpacaEvalResult, alpacaEval } from "./alpaca-eval/alpaca-eval.ts";
export { type AnnotateOptions, annotate, fillTemplate, parseChatTemplate } from "./alpaca-eval/annotate.ts";
export { isSwitched, parseRanking, parseTokenLogprobs, preferenceFromReply } from "./alpaca-eval/annotator-replies.ts";
export {
  fetchLengthControlData,
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
export { type AuditedPair, auditJudge, type JudgeAudit, outcomeOf } from "./audit/audit-judge.ts";
export { pairsOfAnnotations, pairsOfComparison, pairsOfMtBench } from "./audit/audited-pairs.ts";
export { type ConstantAnswer, findConstantAnswers } from "./audit/constant-answers.ts";
export { findInjections, type Injection } from "./audit/injections.ts";
export { type JudgeAgreement, judgeAgreement } from "./audit/judge-agreement.ts";
export { type RatingAgreement, ratingAgreement } from "./audit/rating-agreement.ts";
export { annotationVerdicts, type JudgedVerdict, mtBenchVerdicts } from "./audit/verdicts.ts";
export {
  type EvaluateGenerationOptions,
  evaluateGeneration,
  type GenerateTokensOptions,
  generateTokens,
} from "./generation-tasks/evaluate-generation.ts";
export type {
  GenerationItem,
  GenerationRules,
  GenerationTask,
  PromptRequest,
  TextGenerate,
} from "./generation-tasks/generation-task.ts";
export { gsm8k } from "./generation-tasks/gsm8k.ts";
export { type AskOptions, askAll, type Call, callKey, type Replies } from "./judging/ask-all.ts";
export { fileReplies } from "./judging/file-replies.ts";
export { journaledJudge } from "./judging/journaled-judge.ts";
export { type LogprobsModelOptions, logprobsJudge, logprobsModel } from "./judging/logprobs-model.ts";
export { type CostPreview, type PreviewOptions, previewCost } from "./judging/preview-cost.ts";
export { type AnswerQuestionsOptions, answerQuestions } from "./mt-bench/answer-questions.ts";
export { compareScores, type ScoreDifference } from "./mt-bench/compare-scores.ts";
export { fetchMtBenchFiles, MT_BENCH_COMMIT } from "./mt-bench/fetch-files.ts";
export { gradeAnswers, type JudgeAnswersOptions, judgePairs } from "./mt-bench/judge-answers.ts";
export { judgeRequest, promptName } from "./mt-bench/judge-prompts.ts";
export { type PairScore, type PairScores, pairOutcome, scorePairs } from "./mt-bench/pair-score.ts";
export { parsePairVerdict, parseRating, winnerOfGame } from "./mt-bench/parse-judgment.ts";
export {
  CATEGORIES,
  type JudgePrompt,
  type ModelAnswer,
  type PairJudgment,
  type PairWinner,
  type Question,
  REFERENCE_CATEGORIES,
  type SingleJudgment,
  temperatureOf,
  WRONG_REFERENCES,
} from "./mt-bench/rows.ts";
export { type SingleScore, type SingleScores, scoreSingle } from "./mt-bench/single-score.ts";
export { type CompletionsScoreOptions, completionsScore } from "./multiple-choice/completions-score.ts";
export {
  evaluateTask,
  groupAverage,
  planTask,
  type TaskPlan,
  type TaskPlanOptions,
  type TaskResult,
  taskRequests,
} from "./multiple-choice/evaluate-task.ts";
export type { Parity } from "./multiple-choice/few-shot.ts";
export { requestsSha256 } from "./multiple-choice/requests-hash.ts";
export {
  type Score,
  type ScoreRequest,
  type ScoreResult,
  type ScoreTokensOptions,
  type ScoringTokenizer,
  scoreTokens,
  startsWithBos,
  type TextRequest,
  type TextScore,
} from "./multiple-choice/score.ts";
export { choiceAccuracy, choicesItem, type Item, type Metrics, type Task } from "./multiple-choice/task.ts";
export { arcChallenge } from "./multiple-choice/tasks/arc-challenge.ts";
export { customItems, evaluateItems } from "./multiple-choice/tasks/custom-items.ts";
export { hellaswag } from "./multiple-choice/tasks/hellaswag.ts";
export { MMLU_SUBJECTS, mmlu } from "./multiple-choice/tasks/mmlu.ts";
export { TASK_NAMES, tasksByName } from "./multiple-choice/tasks/task-by-name.ts";
export { truthfulqa } from "./multiple-choice/tasks/truthfulqa.ts";
export { winogrande } from "./multiple-choice/tasks/winogrande.ts";
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
export { agreementTable, differenceTable } from "./report/judge-tables.ts";
export { type MtBenchSamplesInput, mtBenchSamples } from "./report/mt-bench-samples.ts";
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
export {
  alpacaTable,
  auditTable,
  calibrationCurve,
  harnessTable,
  mtBenchRadar,
  mtBenchTable,
  preferenceTable,
} from "./report/result-tables.ts";
export { type TrainingLog, trainingCurves } from "./report/training-curves.ts";
export { type BootstrapInterval, type BootstrapOptions, bootstrap } from "./statistics/bootstrap.ts";
export {
  type Cluster,
  clusteredInterval,
  type Interval,
  type IntervalOptions,
  meanInterval,
  rateInterval,
  wilsonEnds,
} from "./statistics/interval.ts";
export { type PairedDifference, pairedDifference } from "./statistics/paired-difference.ts";
export { sampleSize } from "./statistics/sample-size.ts";
