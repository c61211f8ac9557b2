// Models

// Journal, budget, errors
export { type Ask, type Asker, type AskerOptions, type AskTotals, createAsker } from "./ask.ts";
export { type ErrorKind, RequestError } from "./client/errors.ts";
// Stages
export { type CompleteOptions, complete, type Progress, type StageOptions } from "./complete.ts";
export { type Journal, openJournal } from "./journal/journal.ts";
export type { JsonSchema, Model, ModelCompletion, ModelDefaults, ModelLimits, ModelOptions, Price } from "./model.ts";
export { fromGenerate } from "./named-model.ts";
// Rubrics, ratings and principles
export { parseAspectRating, parseOverallScore, RatingParseError } from "./parse-rating.ts";
export { parseCritiqueReply, parseListwiseReply, type Verdict } from "./parse-reply.ts";
export { type OpenaiCompatibleOptions, openaiCompatible } from "./providers/openai-compatible.ts";
export { type JudgedRow, type JudgeReply, type RateOptions, rate } from "./rate.ts";
export type { FailureReason, RowFailure } from "./row-failure.ts";
export { type Aspect, checkRubric, type Rubric } from "./rubrics/rubric.ts";
export { ULTRAFEEDBACK } from "./rubrics/ultrafeedback.ts";
export { checkPrinciples, PRINCIPLE_PRESETS, type Principles } from "./sampling/principles.ts";
