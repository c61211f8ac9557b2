// Models

// Journal, budget, errors
export { type Ask, type Asker, type AskerOptions, type AskTotals, createAsker } from "./ask.ts";
export { type ErrorKind, RequestError } from "./client/errors.ts";
// Stages
export { type CompleteOptions, complete } from "./complete.ts";
// Whole runs, for the command line
export { ConfigError } from "./config/check-fields.ts";
export { type FeedbackConfig, feedbackConfig, type ModelConfig } from "./config/feedback-config.ts";
export { modelFromConfig } from "./config/model-from-config.ts";
export { type GenerateDialoguesOptions, type GeneratedDialogue, generateDialogues } from "./dialogues/generate-dialogues.ts";
export { DEFAULT_PERSONAS, DEFAULT_TOPICS, type TopicRow } from "./dialogues/topics.ts";
export { type Journal, openJournal } from "./journal/journal.ts";
export type { JsonSchema, Model, ModelCompletion, ModelDefaults, ModelLimits, ModelOptions, Price } from "./model.ts";
export { fromGenerate } from "./named-model.ts";
// Rubrics, ratings and principles
export { parseAspectRating, parseOverallScore, RatingParseError } from "./parse-rating.ts";
export { parseCritiqueReply, parseListwiseReply, type Verdict } from "./parse-reply.ts";
export { type AnthropicOptions, anthropic } from "./providers/anthropic.ts";
export { type GeminiOptions, gemini } from "./providers/gemini.ts";
export { type OpenaiCompatibleOptions, openaiCompatible } from "./providers/openai-compatible.ts";
export { type JudgedRow, type JudgeReply, type RateOptions, rate } from "./rate.ts";
export type { FailureReason, RowFailure } from "./row-failure.ts";
export { type Aspect, checkRubric, type Rubric } from "./rubrics/rubric.ts";
export { ULTRAFEEDBACK } from "./rubrics/ultrafeedback.ts";
export { type RunCompleteOptions, runComplete } from "./run/run-complete.ts";
export { type RunGenerateDialoguesOptions, runGenerateDialogues } from "./run/run-generate-dialogues.ts";
export { type RunRateOptions, runRate } from "./run/run-rate.ts";
export type { RunOptions, RunResult } from "./run/run-stage.ts";
export { checkPrinciples, PRINCIPLE_PRESETS, type Principles } from "./sampling/principles.ts";
export type { Progress, StageOptions } from "./stage.ts";
