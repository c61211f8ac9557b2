import { badRequest } from "./api-error.ts";
import { integerField, numberField, wrongField } from "./fields.ts";

/** What chat and text completions share, as the generator takes it. */
export interface Sampling {
  temperature: number;
  topP: number;
  topK: number;
  /** Undefined: as many as the context has room for. */
  maxTokens: number | undefined;
  minTokens: number;
  stop: string[];
  seed: number | undefined;
  /** Answers to each prompt. */
  n: number;
  stream: { includeUsage: boolean } | undefined;
}

export const SAMPLING_FIELDS = [
  "model",
  "temperature",
  "top_p",
  "top_k",
  "max_tokens",
  "min_tokens",
  "stop",
  "seed",
  "n",
  "stream",
  "stream_options",
] as const;

/** The most answers to one prompt, and the most stop texts: OpenAI's limits are 128 and 4. */
const MOST_ANSWERS = 128;
const MOST_STOPS = 16;

/** Reads the sampling fields of a request. Throws an ApiError naming the field. */
export function readSampling(body: Record<string, unknown>): Sampling {
  const seed = integerField(body, "seed", { min: Number.MIN_SAFE_INTEGER });
  // -1 means "all" to vLLM.
  const topK = integerField(body, "top_k", { min: -1 }) ?? 0;
  return {
    temperature: numberField(body, "temperature", { min: 0, max: 2 }) ?? 1,
    topP: numberField(body, "top_p", { min: 0, max: 1, above: true }) ?? 1,
    topK: Math.max(0, topK),
    maxTokens: maxTokens(body),
    minTokens: integerField(body, "min_tokens", { min: 0 }) ?? 0,
    stop: stopTexts(body["stop"]),
    seed: seed !== undefined && seed < 0 ? Number.MAX_SAFE_INTEGER + 1 + seed : seed,
    n: integerField(body, "n", { min: 1, max: MOST_ANSWERS }) ?? 1,
    stream: stream(body),
  };
}

function maxTokens(body: Record<string, unknown>): number | undefined {
  const [old, recent] = ["max_tokens", "max_completion_tokens"].map((name) => integerField(body, name, { min: 0 }));
  if (old !== undefined && recent !== undefined && old !== recent)
    throw badRequest("max_tokens", `max_tokens is ${old} and max_completion_tokens ${recent}; give one of them`);
  return recent ?? old;
}

function stopTexts(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  const texts: unknown[] = Array.isArray(value) ? value : [value];
  if (texts.length <= MOST_STOPS && texts.every((text): text is string => typeof text === "string" && text !== "")) return texts;
  throw wrongField("stop", value, `a text or at most ${MOST_STOPS} texts, none of them empty`);
}

function stream(body: Record<string, unknown>): Sampling["stream"] {
  const { stream: wanted = false, stream_options: options } = body;
  if (wanted !== null && typeof wanted !== "boolean") throw wrongField("stream", wanted, "true or false");
  if (options === undefined || options === null) return wanted ? { includeUsage: false } : undefined;
  if (!wanted) throw badRequest("stream_options", "stream_options is given without stream; leave it out or stream");
  const { include_usage: includeUsage = false } = options as { include_usage?: unknown };
  if (typeof options === "object" && typeof includeUsage === "boolean") return { includeUsage };
  throw wrongField("stream_options", options, 'an object such as {"include_usage": true}');
}
