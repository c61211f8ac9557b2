import { randomUUID } from "node:crypto";
import { randomFor, type Tokenizer } from "@zephyr/data";
import type { GenerationRequest, Generator } from "@zephyr/train-webgpu";
import { type Answer, answer } from "./answer.ts";
import { apiError } from "./api-error.ts";
import type { Prompted } from "./chat-request.ts";
import type { ReplyHead, ReplyShape, Usage } from "./reply-shape.ts";

export interface ServiceOptions {
  generator: Generator;
  tokenizer: Tokenizer;
  /** What the model is called. */
  name: string;
  /** Most tokens of a sequence, prompt included. */
  maxLength: number;
  /** Most answers under way and waiting together; a request beyond them is refused. */
  capacity: number;
  /** Draws of requests that bring no seed depend on it and on the request's number. */
  seed: number;
}

/** What a service has done so far. */
export interface ServiceTotals {
  requests: number;
  failed: number;
  cancelled: number;
  prompt_tokens: number;
  completion_tokens: number;
}

/** Takes the objects of a streamed reply. */
export type Send = (event: object) => void;

/** One model that answers many requests at a time; it knows nothing of HTTP. */
export interface Service {
  readonly name: string;
  readonly tokenizer: Tokenizer;
  readonly maxLength: number;
  readonly created: number;
  readonly totals: Readonly<ServiceTotals>;
  /**
   * Answers a request: the reply as one object, or nothing where `stream` took it in pieces. `onStart` is called once the request is
   * known to be sound and under way. Throws an ApiError, and the reason of `signal` where that is aborted.
   */
  reply(request: Prompted, shape: ReplyShape, call: Call): Promise<object | undefined>;
}

interface Call {
  signal: AbortSignal;
  /** Called before the first event of a stream. */
  onStart: () => Send | undefined;
}

const now = (): number => Math.floor(Date.now() / 1000);

export function createService(options: ServiceOptions): Service {
  const { generator, tokenizer, name, maxLength, capacity, seed } = options;
  const totals: ServiceTotals = { requests: 0, failed: 0, cancelled: 0, prompt_tokens: 0, completion_tokens: 0 };
  let underWay = 0;

  const admit = (answers: number): void => {
    if (answers > capacity)
      throw apiError(400, `the request asks for ${answers} answers, the server holds ${capacity} at a time; ask for fewer`);
    if (underWay + answers > capacity)
      throw apiError(429, `${underWay} answers are under way or waiting, at most ${capacity} may be; try again later`, {
        type: "rate_limit_error",
        code: "rate_limit_exceeded",
        retryAfter: 1,
      });
  };

  async function run(request: Prompted, shape: ReplyShape, { signal, onStart }: Call): Promise<object | undefined> {
    const answers = request.prompts.length * request.n;
    admit(answers);
    const number = totals.requests;
    // One answer that fails ends its neighbours.
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    const head: ReplyHead = { id: `${shape.idPrefix}${randomUUID()}`, created: now(), model: name };
    let send: Send | undefined;
    const one = (promptIds: number[], index: number): Promise<Answer> => {
      if (request.maxTokens === 0) return Promise.resolve({ text: "", tokens: [], finishReason: "length", completionTokens: 0 });
      const { temperature, topP, topK, minTokens, stop, topLogps = 0 } = request;
      const key = `answer ${index % request.n}`;
      const draws = request.seed === undefined ? randomFor(seed, `request ${number} ${index}`) : randomFor(request.seed, key);
      const generation: GenerationRequest = {
        promptIds,
        maxTokens: request.maxTokens ?? Math.max(1, maxLength - promptIds.length),
        minTokens,
        temperature,
        topP,
        topK,
        stop,
        topLogps,
        seed: draws.integer(2 ** 32),
        signal: either,
      };
      return answer(generator, generation, (piece) => send?.(shape.piece(head, index, piece)));
    };
    underWay += answers;
    let begun: Promise<Answer>[] = [];
    try {
      const prompts = request.prompts.flatMap((ids) => Array.from({ length: request.n }, () => ids));
      for (const [index, ids] of prompts.entries()) begun.push(checked(() => one(ids, index)));
      send = onStart();
      if (send && shape.opening) for (const index of prompts.keys()) send(shape.opening(head, index));
      begun = begun.map(async (answering, index) => {
        const answered = await answering;
        send?.(shape.closing(head, index, answered.finishReason));
        return answered;
      });
      const answered = await Promise.all(begun);
      const usage = usageOf(request, answered);
      totals.prompt_tokens += usage.prompt_tokens;
      totals.completion_tokens += usage.completion_tokens;
      if (!send) return shape.whole(head, answered, usage);
      if (request.stream?.includeUsage) send(shape.usage(head, usage));
      return undefined;
    } catch (error) {
      failed.abort(error);
      await Promise.allSettled(begun);
      throw error;
    } finally {
      underWay -= answers;
    }
  }

  return {
    name,
    tokenizer,
    maxLength,
    created: now(),
    totals,
    async reply(request, shape, call) {
      totals.requests++;
      try {
        return await run(request, shape, call);
      } catch (error) {
        if (call.signal.aborted) totals.cancelled++;
        else totals.failed++;
        throw error;
      }
    },
  };
}

/** What the generator refuses at once is wrong with the request. */
function checked<T>(begin: () => T): T {
  try {
    return begin();
  } catch (cause) {
    if (!(cause instanceof RangeError || cause instanceof TypeError)) throw cause;
    const isLong = (cause as { code?: unknown }).code === "ERR_CONTEXT_LENGTH";
    throw apiError(400, cause.message, { ...(isLong && { code: "context_length_exceeded" }), cause });
  }
}

/** Tokens of a request: each prompt counts once, however many answers it has. */
function usageOf({ prompts }: Prompted, answers: readonly Answer[]): Usage {
  const prompt = prompts.reduce((sum, ids) => sum + ids.length, 0);
  const completion = answers.reduce((sum, { completionTokens }) => sum + completionTokens, 0);
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}
