import type { Metrics } from "../multiple-choice/task.ts";

/** A prompt that a model continues greedily, up to a stop text or so many tokens. */
export interface PromptRequest {
  context: string;
  stop: readonly string[];
  maxTokens: number;
}

/** A model that continues texts. Results stand in the order of the requests, without the stop text. */
export type TextGenerate = (requests: readonly PromptRequest[]) => Promise<string[]>;

/** One document of a generation task. */
export interface GenerationItem {
  /** The prompt without the shots. */
  context: string;
  /** What the data set gives as its answer. */
  answer: string;
  /** The document as a worked example. */
  asShot: string;
}

/** Whose stop texts and metrics; see `Parity` of the multiple-choice tasks. */
export interface GenerationRules {
  stop: readonly string[];
  maxTokens: number;
  mainMetric: string;
  score(completion: string, answer: string): Metrics;
}

/** A task whose answer is written, not chosen. */
export interface GenerationTask {
  name: string;
  /** Shots of the published protocol. */
  numFewshot: number;
  /** "first": the first k of the shot split; "random": drawn per document. */
  shots: "first" | "random";
  /** Text before the shots. */
  description?: string;
  /** Throws a TypeError naming the missing column when the row is of another data set. */
  item(row: Readonly<Record<string, unknown>>): GenerationItem;
  rules: { "leaderboard-v1": GenerationRules; "lm-eval-0.4": GenerationRules };
}
