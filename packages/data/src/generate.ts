import type { Message, Usage } from "./rows.ts";

/** Sampling of one completion; every field left out takes the provider's default. */
export interface GenerateOptions {
  temperature?: number;
  topP?: number;
  topK?: number;
  maxTokens?: number;
  stop?: string[];
  seed?: number;
  signal?: AbortSignal;
}

/** What a model answered; `finishReason` is "stop", "length", "content_filter" or the provider's own word. */
export interface Completion {
  content: string;
  model: string;
  finishReason: string;
  usage?: Usage;
  tokenIds?: number[];
}

/** Anything that answers a conversation: an HTTP model, the local policy, a cache, a function in a test. */
export type Generate = (messages: Message[], options?: GenerateOptions) => Promise<Completion>;
