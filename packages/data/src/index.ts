// Rows and batches: types only
export type { PreferenceBatch, TokenBatch } from "./batch.ts";
// Files
export { readRows } from "./files/read-rows.ts";
export { type WrittenRows, writeRows } from "./files/write-rows.ts";
export type { Completion, Generate, GenerateOptions } from "./generate.ts";
// Pipelines
export { collectRows, concatRows, filterRows, mapRows, pipe, rowsOf, takeRows, transform } from "./pipe.ts";
export { type Random, randomFor } from "./random.ts";
export type * from "./rows.ts";
export { shuffleRows } from "./shuffle-rows.ts";
// Tokenizers and chat templates
export type { ChatTemplateOptions } from "./tokenizer/chat-template.ts";
export { loadTokenizer, saveTokenizer } from "./tokenizer/load-tokenizer.ts";
export { type StreamDecoder, streamDecoder } from "./tokenizer/stream-decoder.ts";
export { type EncodedChat, type Tokenizer, tokenizerFromJson } from "./tokenizer/tokenizer.ts";
export { ZEPHYR_CHAT_TEMPLATE, ZEPHYR_GENERATION_TEMPLATE } from "./tokenizer/zephyr-template.ts";
