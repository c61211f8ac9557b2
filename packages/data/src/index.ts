export type { PreferenceBatch, TokenBatch } from "./batch.ts";
export type { Completion, Generate, GenerateOptions } from "./generate.ts";
export type * from "./rows.ts";
