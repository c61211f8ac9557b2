import type { Completion, Generate } from "@zephyr/data";
import { deviceError } from "../device/device-lost.ts";
import type { Policy } from "../model/policy.ts";
import { uniforms } from "../random/random-stream.ts";
import { type CachePlan, type CacheToken, createCachePlan } from "./cache-plan.ts";
import { logSumExp, topTokens } from "./log-probabilities.ts";
import { checkRequest, type GenerationRequest, type GenerationResult } from "./request.ts";
import { sampleToken } from "./sample.ts";
import { type TextUntilStop, textUntilStop } from "./text-until-stop.ts";

/** Samples from a policy as it is now; requests that run at the same time share every pass over the weights. */
export interface Generator extends Disposable {
  /** Continues token ids. May be called at any time: the request joins those under way at the next pass with a free slot. */
  run(request: GenerationRequest): Promise<GenerationResult>;
  /** The policy as a model that answers conversations through its chat template. */
  generate: Generate;
}

/** How many requests run at once, and how long they may become. */
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
  text: TextUntilStop | undefined;
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
  let disposed = false;

  async function loop(): Promise<void> {
    looping = true;
    try {
      plan ??= await createCachePlan(policy, slots, maxLength);
      while (waiting.length > 0 || running.some(Boolean)) {
        if (disposed) throw new Error("generate: the generator was disposed while requests were under way; await them first");
        dropAborted(running);
        for (let slot = 0; slot < slots; slot++) running[slot] ??= waiting.shift();
        await pass(plan, running, policy, maxLength);
      }
    } catch (cause) {
      const error = await deviceError(policy.device, cause);
      for (const one of [...running, ...waiting.splice(0)]) one?.reject(error);
      running.fill(undefined);
    } finally {
      looping = false;
      if (disposed) freePlan();
    }
  }

  const freePlan = (): void => {
    plan?.[Symbol.dispose]();
    plan = undefined;
  };

  const enqueue = (request: GenerationRequest): Promise<GenerationResult> => {
    const { signal } = request;
    return new Promise((resolve, reject) => {
      const one = begin(policy, request, resolve, reject);
      waiting.push(one);
      signal?.addEventListener("abort", () => leaveQueue(waiting, one), { once: true });
      if (!looping) void loop();
    });
  };
  const run = (request: GenerationRequest): Promise<GenerationResult> => {
    if (disposed) throw new Error("generate: the generator is disposed; open another one");
    checkRequest(policy, request, maxLength);
    return request.signal?.aborted ? Promise.reject(request.signal.reason) : enqueue(request);
  };
  return {
    run,
    generate: (messages, chat = {}) => answer(policy, run, maxLength, messages, chat),
    [Symbol.dispose]() {
      disposed = true;
      if (!looping) freePlan();
    },
  };
}

function begin(
  { tokenizer }: Policy,
  request: GenerationRequest,
  resolve: Running["resolve"],
  reject: Running["reject"],
): Running {
  return {
    request,
    ids: [...request.promptIds],
    done: 0,
    uniform: uniforms({ seed: request.seed ?? 0, stream: "sample" }),
    text: tokenizer && textUntilStop(tokenizer, request.stop ?? []),
    result: { tokenIds: [], tokenLogps: [], finishReason: "length" },
    resolve,
    reject,
  };
}

function leaveQueue(waiting: Running[], one: Running): void {
  const place = waiting.indexOf(one);
  if (place < 0) return;
  waiting.splice(place, 1);
  one.reject(one.request.signal!.reason);
}

function dropAborted(running: (Running | undefined)[]): void {
  for (const [slot, one] of running.entries()) {
    if (!one?.request.signal?.aborted) continue;
    one.reject(one.request.signal.reason);
    running[slot] = undefined;
  }
}

/** One pass over the weights: a token of each sequence that is being drawn, and as much of new prompts as there is room for. */
async function pass(cache: CachePlan, running: (Running | undefined)[], policy: Policy, maxLength: number): Promise<void> {
  const { tokens, asked } = nextTokens(running, cache.maxTokens);
  if (tokens.length === 0) return;
  const logits = await cache.run(tokens);
  for (const [index, slot] of asked.entries()) {
    const one = running[slot]!;
    try {
      if (!draw(policy, one, logits[index]!, maxLength)) continue;
      one.resolve(one.result);
    } catch (error) {
      one.reject(error);
    }
    running[slot] = undefined;
  }
}

/** The tokens of the next pass, and the slots whose logits it gives, in order. Sequences with one token to go come before prompts. */
function nextTokens(running: (Running | undefined)[], maxTokens: number): { tokens: CacheToken[]; asked: number[] } {
  const tokens: CacheToken[] = [];
  const asked: number[] = [];
  const left = (slot: number): number => running[slot]!.ids.length - running[slot]!.done;
  const slots = [...running.keys()].filter((slot) => running[slot]);
  for (const slot of [...slots.filter((slot) => left(slot) === 1), ...slots.filter((slot) => left(slot) > 1)]) {
    const one = running[slot]!;
    const end = Math.min(one.ids.length, one.done + maxTokens - tokens.length);
    if (end === one.ids.length) asked.push(slot);
    for (let position = one.done; position < end; position++) {
      tokens.push({ slot, position, id: one.ids[position]!, wanted: position === one.ids.length - 1 });
    }
    one.done = end;
  }
  return { tokens, asked };
}

/** Draws one token; true where the request is finished. */
function draw(policy: Policy, one: Running, logits: Float32Array, maxLength: number): boolean {
  const { request, result, text } = one;
  const isEnd = (id: number): boolean => policy.config.eosTokenIds.includes(id) || id === policy.tokenizer?.eosTokenId;
  const mayEnd = result.tokenIds.length >= (request.minTokens ?? 0);
  const id = sampleToken(mayEnd ? logits : logits.map((logit, i) => (isEnd(i) ? -Infinity : logit)), one.uniform(), request);
  const logp = logits[id]! - logSumExp(logits);
  one.ids.push(id);
  result.tokenIds.push(id);
  result.tokenLogps.push(logp);
  const ends = isEnd(id);
  if (!ends) {
    const freed = text?.push(id) ?? "";
    request.onToken?.({ id, logp, text: freed, top: topTokens(logits, request.topLogps ?? 0) });
  }
  const stopped = ends || text?.stopped === true;
  if (!stopped && result.tokenIds.length < request.maxTokens && one.ids.length < maxLength) return false;
  result.finishReason = stopped ? "stop" : "length";
  finishText(policy, one);
  return true;
}

/** The text of a finished completion; where a stop text ended it, only the tokens that lie wholly before it. */
function finishText({ tokenizer }: Policy, { text, result }: Running): void {
  if (!tokenizer || !text) return;
  const decode = (): string => tokenizer.decode(result.tokenIds, { skipSpecialTokens: true });
  if (!text.stopped) {
    result.content = decode();
    return;
  }
  result.content = text.text;
  while (result.tokenIds.length > 0 && decode().length > text.text.length) {
    result.tokenIds.pop();
    result.tokenLogps.pop();
  }
}

async function answer(
  policy: Policy,
  run: Generator["run"],
  maxLength: number,
  messages: Parameters<Generate>[0],
  { maxTokens, ...options }: NonNullable<Parameters<Generate>[1]>,
): Promise<Completion> {
  const { tokenizer, folder } = policy;
  if (!tokenizer) throw new TypeError("generate: the model folder has no tokenizer; give token ids to run() instead");
  const promptIds = tokenizer.encode(tokenizer.applyChatTemplate(messages, { addGenerationPrompt: true }), {
    addSpecialTokens: false,
  });
  const room = Math.max(1, maxLength - promptIds.length);
  const { tokenIds, finishReason, content } = await run({ ...options, promptIds, maxTokens: maxTokens ?? room });
  return {
    content: content!,
    model: folder ?? "policy",
    finishReason,
    tokenIds,
    usage: { prompt_tokens: promptIds.length, completion_tokens: tokenIds.length },
  };
}
