import type { Policy } from "../model/policy.ts";
import type { TokenLogp } from "./log-probabilities.ts";
import type { SamplingOptions } from "./sample.ts";

/** A token as it is drawn. */
export interface DrawnToken extends TokenLogp {
  /** Text that it sets free: empty while a character is incomplete or a stop text may have begun, and without a tokenizer. */
  text: string;
  /** The likeliest tokens in its place, as many as `topLogps` asks for. */
  top: TokenLogp[];
}

/** A prompt to be continued. */
export interface GenerationRequest extends SamplingOptions {
  promptIds: readonly number[];
  maxTokens: number;
  /** So many tokens are drawn before the end-of-sequence token may be. */
  minTokens?: number;
  /** The same request and seed give the same tokens, whatever runs beside it. */
  seed?: number;
  /** Texts that end the completion and are cut off; they need a tokenizer. */
  stop?: readonly string[];
  /** How many of the likeliest tokens `onToken` is told; 0 by default. */
  topLogps?: number;
  /** Called with each token as it is drawn, but for the end-of-sequence token. */
  onToken?: (token: DrawnToken) => void;
  /** Gives the request up: its slot is free at the next pass. */
  signal?: AbortSignal;
}

/** What was drawn for one request. */
export interface GenerationResult {
  /** Drawn tokens, the end-of-sequence token included where it was drawn, as transformers returns them. */
  tokenIds: number[];
  /** Log-probability of each drawn token under the model, in nats. */
  tokenLogps: number[];
  finishReason: "stop" | "length";
  /** The text without special tokens, up to a stop text where one ended the completion: the tokens may end a little earlier. */
  content?: string;
}

/** Throws `RangeError` or `TypeError` for a request that cannot be run; a prompt that is too long has code `ERR_CONTEXT_LENGTH`. */
export function checkRequest({ config, tokenizer }: Policy, request: GenerationRequest, maxLength: number): void {
  const { promptIds, stop = [] } = request;
  if (promptIds.length === 0) throw new RangeError("generate: the prompt is empty; give at least one token, such as BOS");
  if (promptIds.length >= maxLength) {
    throw Object.assign(
      new RangeError(
        `generate: the prompt has ${promptIds.length} tokens, the cache holds sequences of ${maxLength}; shorten it or raise maxLength`,
      ),
      { code: "ERR_CONTEXT_LENGTH" },
    );
  }
  const foreign = promptIds.find((id) => !(Number.isInteger(id) && id >= 0 && id < config.vocabSize));
  if (foreign !== undefined)
    throw new RangeError(
      `generate: the prompt has token ${foreign}, the vocabulary ${config.vocabSize} entries; the tokenizer is not this model's`,
    );
  checkNumbers(request, config.vocabSize);
  if (stop.length > 0 && !tokenizer) throw new TypeError("generate: stop texts need a tokenizer; the model folder has none");
  if (stop.includes("")) throw new RangeError("generate: a stop text is empty; leave it out");
}

function checkNumbers(
  { maxTokens, minTokens = 0, temperature = 1, topP = 1, topK = 0, seed = 0, topLogps = 0 }: GenerationRequest,
  vocabSize: number,
): void {
  const whole = (name: string, value: number, least: number): void => {
    if (!Number.isSafeInteger(value) || value < least)
      throw new RangeError(`generate: ${name} is ${value}; give a whole number from ${least}`);
  };
  whole("maxTokens", maxTokens, 1);
  whole("minTokens", minTokens, 0);
  whole("topK", topK, 0);
  whole("seed", seed, 0);
  whole("topLogps", topLogps, 0);
  if (topLogps > vocabSize) throw new RangeError(`generate: topLogps is ${topLogps}, the vocabulary has ${vocabSize} tokens`);
  if (!(temperature >= 0 && temperature < Number.POSITIVE_INFINITY))
    throw new RangeError(`generate: temperature is ${temperature}; give a number from 0`);
  if (!(topP > 0 && topP <= 1)) throw new RangeError(`generate: topP is ${topP}; give a number above 0, at most 1`);
}
