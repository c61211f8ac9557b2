/** Token ids of a context and of the continuation whose log-probability is wanted, already cut to the model's window. */
export interface ScoreRequest {
  contextIds: number[];
  continuationIds: number[];
}

/** What a model says about a continuation. */
export interface ScoreResult {
  /** Sum of log p(token | all before it) over the continuation, in nats. */
  logLikelihood: number;
  /** Whether every continuation token is the model's most likely one. */
  isGreedy: boolean;
}

/** A model over token ids. Results stand in the order of the requests; neighbours often share a context. */
export type Score = (requests: readonly ScoreRequest[]) => Promise<ScoreResult[]>;

/** A context and a continuation as text. */
export interface TextRequest {
  context: string;
  continuation: string;
}

/** A model over text: a local one through `scoreTokens`, or an API that returns log-probabilities. */
export type TextScore = (requests: readonly TextRequest[]) => Promise<ScoreResult[]>;

/** What is needed of a tokenizer; that of `@zephyr/data` fits. */
export interface ScoringTokenizer {
  encode(text: string, options?: { addSpecialTokens?: boolean }): number[];
  bosTokenId?: number;
  eosTokenId: number;
}

export interface ScoreTokensOptions {
  tokenizer: ScoringTokenizer;
  score: Score;
  /** Positions that the model can see; longer requests lose the start of their context. */
  maxLength: number;
  /** Whether contexts start with the BOS token: as the tokenizer says unless told. The Open LLM Leaderboard v1 had none. */
  bos?: "on" | "off";
}

/**
 * A model over token ids as a model over text, by lm-evaluation-harness's rule: trailing white space of the context moves
 * to the continuation, context + continuation is encoded as one text, and the continuation is what follows the context's
 * own number of tokens. An empty context is the BOS token alone (EOS where there is none).
 * Throws a RangeError when a continuation comes out empty or exceeds `maxLength`.
 *
 * @example
 * const score = scoreTokens({ tokenizer, score: model, maxLength: 4096 });
 * const [paris] = await score([{ context: "The capital of France is", continuation: " Paris" }]);
 */
export function scoreTokens({ tokenizer, score, maxLength, bos }: ScoreTokensOptions): TextScore {
  const prefix = bosPrefix(tokenizer, bos);
  return async (requests) => {
    const encoded = requests.map((request) => encodeRequest(request, tokenizer, prefix, maxLength));
    const results = await score(encoded);
    if (results.length !== requests.length)
      throw new RangeError(
        `scoreTokens: the model returned ${results.length} results for ${requests.length} requests; it must return one each, in order`,
      );
    return results;
  };
}

/** The ids that `scoreTokens` sends for a request. */
export function encodeRequest(
  request: TextRequest,
  tokenizer: ScoringTokenizer,
  prefix: readonly number[],
  maxLength: number,
): ScoreRequest {
  const encode = (text: string) => tokenizer.encode(text, { addSpecialTokens: false });
  const context = request.context.trimEnd();
  const continuation = request.context.slice(context.length) + request.continuation;
  let contextIds: number[];
  let continuationIds: number[];
  if (context === "") {
    contextIds = [tokenizer.bosTokenId ?? tokenizer.eosTokenId];
    continuationIds = encode(continuation);
  } else {
    const start = encode(context);
    contextIds = [...prefix, ...start];
    continuationIds = encode(context + continuation).slice(start.length);
  }
  const shown = `continuation ${JSON.stringify(continuation.slice(0, 40))} of ${JSON.stringify(context.slice(-40))}`;
  if (continuationIds.length === 0)
    throw new RangeError(`scoreTokens: ${shown} has no tokens of its own; its text merges into the context's last token`);
  if (continuationIds.length > maxLength)
    throw new RangeError(`scoreTokens: ${shown} has ${continuationIds.length} tokens, the model sees ${maxLength}; shorten it`);
  // The last token is only predicted, so one more than the window fits.
  const room = maxLength + 1 - continuationIds.length;
  return { contextIds: contextIds.slice(Math.max(0, contextIds.length - room)), continuationIds };
}

/** The ids before every context: BOS or nothing; "as the tokenizer says" is whether it puts BOS before plain text. */
export function bosPrefix(tokenizer: ScoringTokenizer, bos: "on" | "off" | undefined): number[] {
  const id = tokenizer.bosTokenId;
  if (bos === "on" && id === undefined)
    throw new RangeError('scoreTokens: bos is "on" but the tokenizer has no BOS token; use "off"');
  if (id === undefined || bos === "off") return [];
  return bos === "on" || tokenizer.encode("a")[0] === id ? [id] : [];
}

/** Whether contexts begin with BOS: as told, else as the tokenizer does it. */
export const startsWithBos = (tokenizer: ScoringTokenizer, bos: "on" | "off" | undefined): boolean =>
  bosPrefix(tokenizer, bos).length > 0;
