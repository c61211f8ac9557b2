import type { Completion, Generate } from "@zephyr/data";
import type { Policy } from "../model/policy.ts";
import { uniforms } from "../random/random-stream.ts";
import { type CachePlan, type CacheToken, createCachePlan } from "./cache-plan.ts";
import { type SamplingOptions, sampleToken } from "./sample.ts";

/** A prompt to be continued. */
export interface GenerationRequest extends SamplingOptions {
  promptIds: readonly number[];
  maxTokens: number;
  /** The same request and seed give the same tokens, whatever runs beside it. */
  seed?: number;
  /** Texts that end the completion and are cut off; they need a tokenizer. */
  stop?: readonly string[];
  /** Called with each token as it is drawn. */
  onToken?: (id: number) => void;
  signal?: AbortSignal;
}

export interface GenerationResult {
  /** Drawn tokens, the end-of-sequence token included where it was drawn, as transformers returns them. */
  tokenIds: number[];
  /** Log-probability of each drawn token under the model, in nats. */
  tokenLogps: number[];
  finishReason: "stop" | "length";
  /** The text before a stop text, where one ended the completion: the tokens may end a little earlier. */
  content?: string;
}

/** Samples from a policy as it is now; requests that run at the same time share every pass over the weights. */
export interface Generator extends Disposable {
  run(request: GenerationRequest): Promise<GenerationResult>;
  /** The policy as a model that answers conversations through its chat template. */
  generate: Generate;
}

export interface GeneratorOptions {
  /** Sequences in flight; 32 by default. */
  slots?: number;
  /** Most tokens of a sequence, prompt included; 1,024 or the model's limit by default. */
  maxLength?: number;
}

interface Running {
  request: GenerationRequest;
  ids: number[];
  /** How many of `ids` are in the cache. */
  done: number;
  uniform: () => number;
  result: GenerationResult;
  resolve: (result: GenerationResult) => void;
  reject: (error: unknown) => void;
}

/**
 * Opens a generator with a key-value cache and continuous batching: a finished sequence's slot goes to the next request at once.
 *
 * @example
 * using generator = createGenerator(policy);
 * const { content } = await generator.generate([{ role: "user", content: "Why is the sky blue?" }], { maxTokens: 64, seed: 0 });
 */
export function createGenerator(policy: Policy, options: GeneratorOptions = {}): Generator {
  const { slots = 32, maxLength = Math.min(1024, policy.config.maxPositionEmbeddings) } = options;
  const waiting: Running[] = [];
  const running: (Running | undefined)[] = Array(slots).fill(undefined);
  let plan: CachePlan | undefined;
  let looping = false;

  async function loop(): Promise<void> {
    looping = true;
    try {
      plan ??= await createCachePlan(policy, slots, maxLength);
      while (waiting.length > 0 || running.some(Boolean)) {
        for (let slot = 0; slot < slots; slot++) running[slot] ??= waiting.shift();
        await pass(plan);
      }
    } catch (error) {
      for (const one of [...running, ...waiting.splice(0)]) one?.reject(error);
      running.fill(undefined);
    } finally {
      looping = false;
    }
  }

  async function pass(cache: CachePlan): Promise<void> {
    const tokens: CacheToken[] = [];
    const asked: number[] = [];
    for (const [slot, one] of running.entries()) {
      if (!one) continue;
      if (one.request.signal?.aborted) {
        one.reject(one.request.signal.reason);
        running[slot] = undefined;
        continue;
      }
      const room = cache.maxTokens - tokens.length;
      const end = Math.min(one.ids.length, one.done + room);
      for (let position = one.done; position < end; position++) {
        tokens.push({ slot, position, id: one.ids[position]!, wanted: position === one.ids.length - 1 });
      }
      if (end === one.ids.length && end > one.done) asked.push(slot);
      one.done = end;
    }
    if (tokens.length === 0) return;
    const logits = await cache.run(tokens);
    asked.forEach((slot, index) => {
      if (draw(policy, running[slot]!, logits[index]!, maxLength)) running[slot] = undefined;
    });
  }

  const run = (request: GenerationRequest): Promise<GenerationResult> => {
    checkRequest(policy, request, maxLength);
    return new Promise((resolve, reject) => {
      const uniform = uniforms({ seed: request.seed ?? 0, stream: "sample" });
      const result: GenerationResult = { tokenIds: [], tokenLogps: [], finishReason: "length" };
      waiting.push({ request, ids: [...request.promptIds], done: 0, uniform, result, resolve, reject });
      if (!looping) void loop();
    });
  };
  return {
    run,
    generate: (messages, chat = {}) => answer(policy, run, maxLength, messages, chat),
    [Symbol.dispose]() {
      plan?.[Symbol.dispose]();
      plan = undefined;
    },
  };
}

/** Draws one token; true where the request is finished (and has been answered). */
function draw(policy: Policy, one: Running, logits: Float32Array, maxLength: number): boolean {
  const { request, result } = one;
  const id = sampleToken(logits, one.uniform(), request);
  result.tokenLogps.push(logProbability(logits, id));
  const ends = policy.config.eosTokenIds.includes(id) || id === policy.tokenizer?.eosTokenId;
  one.ids.push(id);
  result.tokenIds.push(id);
  if (!ends) request.onToken?.(id);
  const stopped = ends || cutAtStop(policy, one);
  if (!stopped && result.tokenIds.length < request.maxTokens && one.ids.length < maxLength) return false;
  result.finishReason = stopped ? "stop" : "length";
  one.resolve(result);
  return true;
}

function logProbability(logits: Float32Array, id: number): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (const z of logits) largest = Math.max(largest, z);
  let sum = 0;
  for (const z of logits) sum += Math.exp(z - largest);
  return logits[id]! - largest - Math.log(sum);
}

/** Where a stop text has appeared: keeps the text before it, and the tokens that lie wholly before it. */
function cutAtStop({ tokenizer }: Policy, { request, result }: Running): boolean {
  if (!request.stop?.length || !tokenizer) return false;
  const text = tokenizer.decode(result.tokenIds, { skipSpecialTokens: true });
  const places = request.stop.map((stop) => text.indexOf(stop)).filter((place) => place >= 0);
  if (places.length === 0) return false;
  result.content = text.slice(0, Math.min(...places));
  while (tokenizer.decode(result.tokenIds, { skipSpecialTokens: true }).length > result.content.length) {
    result.tokenIds.pop();
    result.tokenLogps.pop();
  }
  return true;
}

function checkRequest({ config, tokenizer }: Policy, { promptIds, maxTokens, stop }: GenerationRequest, maxLength: number): void {
  if (promptIds.length === 0) throw new RangeError("generate: the prompt is empty; give at least one token, such as BOS");
  if (promptIds.length >= maxLength) {
    throw new RangeError(
      `generate: the prompt has ${promptIds.length} tokens, the cache holds sequences of ${maxLength}; raise maxLength`,
    );
  }
  const foreign = promptIds.find((id) => !(id >= 0 && id < config.vocabSize));
  if (foreign !== undefined)
    throw new RangeError(
      `generate: the prompt has token ${foreign}, the vocabulary ${config.vocabSize} entries; the tokenizer is not this model's`,
    );
  if (!Number.isInteger(maxTokens) || maxTokens < 1)
    throw new RangeError(`generate: maxTokens is ${maxTokens}; give a whole number from 1`);
  if (stop?.length && !tokenizer) throw new TypeError("generate: stop texts need a tokenizer; the model folder has none");
}

async function answer(
  policy: Policy,
  run: Generator["run"],
  maxLength: number,
  messages: Parameters<Generate>[0],
  { temperature, topP, topK, maxTokens, stop, seed, signal }: NonNullable<Parameters<Generate>[1]>,
): Promise<Completion> {
  const { tokenizer, folder } = policy;
  if (!tokenizer) throw new TypeError("generate: the model folder has no tokenizer; give token ids to run() instead");
  const promptIds = tokenizer.encode(tokenizer.applyChatTemplate(messages, { addGenerationPrompt: true }), {
    addSpecialTokens: false,
  });
  const sampling = {
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { topP }),
    ...(topK !== undefined && { topK }),
  };
  const rest = { ...(stop && { stop }), ...(seed !== undefined && { seed }), ...(signal && { signal }) };
  const { tokenIds, finishReason, content } = await run({
    promptIds,
    maxTokens: maxTokens ?? maxLength - promptIds.length,
    ...sampling,
    ...rest,
  });
  return {
    content: content ?? tokenizer.decode(tokenIds, { skipSpecialTokens: true }),
    model: folder ?? "policy",
    finishReason,
    tokenIds,
    usage: { prompt_tokens: promptIds.length, completion_tokens: tokenIds.length },
  };
}
