// Rows and batches: types only

export type { PreferenceBatch, TokenBatch } from "./batch.ts";
export type { Completion, Generate, GenerateOptions } from "./generate.ts";
export type * from "./rows.ts";

// Pipelines

export { collectRows, concatRows, filterRows, mapRows, pipe, rowsOf, takeRows, transform } from "./pipe.ts";
export { type Random, randomFor } from "./random.ts";
export { shuffleRows } from "./shuffle-rows.ts";

// Files and the Hugging Face Hub

export { type CacheRowsOptions, cacheRows, fileFingerprint } from "./files/cache-rows.ts";
export { readRows } from "./files/read-rows.ts";
export { type WrittenRows, writeRows } from "./files/write-rows.ts";
export {
  type DownloadModelOptions,
  downloadDataset,
  downloadModel,
  type HubDatasetOptions,
  readHubRows,
} from "./hub/download-repo.ts";
export { type PushDatasetOptions, type PushedFile, pushDataset } from "./hub/push-dataset.ts";

// Formats: every published form of a row into ours

export {
  type ExplicitPreference,
  extractPrompt,
  type H4Row,
  toH4Rows,
  toPreferenceRows,
  type UnpairedRow,
  unpairPreferences,
} from "./formats/preference-formats.ts";
export { promptId, toPromptRows } from "./formats/prompt-id.ts";
export { toRatedRows } from "./formats/ultrafeedback.ts";

// Tokenizers and chat templates

export type { ChatTemplateOptions } from "./tokenizer/chat-template.ts";
export { loadTokenizer, saveTokenizer } from "./tokenizer/load-tokenizer.ts";
export { type StreamDecoder, streamDecoder } from "./tokenizer/stream-decoder.ts";
export { type EncodedChat, type Tokenizer, tokenizerFromJson } from "./tokenizer/tokenizer.ts";
export { ZEPHYR_CHAT_TEMPLATE, ZEPHYR_GENERATION_TEMPLATE } from "./tokenizer/zephyr-template.ts";

// Rows into token ids

export type { TokenizationReason, TokenizationReport } from "./tokenize/report.ts";
export { type TokenizeDialoguesOptions, tokenizeDialogues } from "./tokenize/tokenize-dialogues.ts";
export { type TokenizeParallelOptions, tokenizeParallel } from "./tokenize/tokenize-parallel.ts";
export { type TokenizePreferencesOptions, tokenizePreferences } from "./tokenize/tokenize-preferences.ts";

// Token ids into batches

export { collatePreferences } from "./collate/collate-preferences.ts";
export { type CollateSequencesOptions, collateSequences } from "./collate/collate-sequences.ts";
export { type PackedRow, type PackingStrategy, type PackSequencesOptions, packSequences } from "./collate/pack-sequences.ts";

// Cleaning

export * from "./clean/index.ts";
