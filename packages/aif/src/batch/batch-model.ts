import type { Message } from "@zephyr/data";
import { classify, providerError } from "../client/classify.ts";
import { isRequestError, policyOf, RequestError } from "../client/errors.ts";
import { requestKey } from "../journal/request-key.ts";
import type { Model, ModelCompletion, ModelOptions, Price } from "../model.ts";

/** One request of a batch; `customId` is the sha256 of its body, so that equal requests are one. */
export interface BatchRequest {
  customId: string;
  body: unknown;
}

/** One line of a batch's results: a reply, or why there is none. */
export interface BatchResult {
  customId: string;
  status: number;
  reply: unknown;
}

/** A batch as the provider knows it. */
export interface BatchState {
  id: string;
  isOver: boolean;
}

/** A provider's batch API. */
export interface BatchApi {
  maxRows: number;
  maxBytes: number;
  /** Bytes that a request takes in an upload. */
  sizeOf(request: BatchRequest): number;
  submit(requests: BatchRequest[]): Promise<BatchState>;
  /** Batches that earlier processes of this run submitted, with the ids of their requests. */
  adopt(): Promise<{ state: BatchState; customIds: string[] }[]>;
  poll(id: string): Promise<BatchState>;
  /** Results in any order; some may be missing, or come twice. */
  results(id: string): Promise<BatchResult[]>;
}

export interface BatchModelOptions {
  name: string;
  id: string;
  api: BatchApi;
  body(messages: Message[], options: ModelOptions & { maxTokens: number }): unknown;
  accept(reply: unknown): ModelCompletion;
  maxTokens?: number | undefined;
  price?: Price | undefined;
  /** Requests that wait at once. Default 5000. */
  maxConcurrency?: number | undefined;
  /** Requests are collected until none came for so long. Default 2000. */
  quietMs?: number | undefined;
  pollMs?: number | undefined;
  /** How often a request that a batch did not answer is put into another one. Default 3. */
  maxRetries?: number | undefined;
}

interface Waiting extends BatchRequest {
  tries: number;
  resolve(completion: ModelCompletion): void;
  reject(error: RequestError): void;
}

/**
 * A model behind a batch API: calls are collected, uploaded in batches within the provider's limits, and each call resolves when
 * its line comes back. Batches of a process that died are found again at the provider and their results taken, not asked anew.
 */
export function batchModel(options: BatchModelOptions): Model {
  const {
    name,
    id,
    api,
    price,
    maxTokens = 1024,
    maxConcurrency = 5000,
    quietMs = 2000,
    pollMs = 30_000,
    maxRetries = 3,
  } = options;
  const waiting = new Map<string, { request: Waiting; promise: Promise<ModelCompletion> }>();
  // Results of adopted batches, until the row that wants them comes along.
  const arrived = new Map<string, BatchResult>();
  let queue: Waiting[] = [];
  let quiet: NodeJS.Timeout | undefined;
  let adoption: Promise<Set<string>> | undefined;

  function generate(messages: Message[], callOptions: ModelOptions = {}): Promise<ModelCompletion> {
    const body = options.body(messages, { maxTokens, ...callOptions });
    const customId = requestKey(body);
    const known = waiting.get(customId);
    if (known !== undefined) return known.promise;
    const promise = new Promise<ModelCompletion>((resolve, reject) => {
      const request: Waiting = { customId, body, tries: 0, resolve, reject };
      queueMicrotask(() => void enqueue(request));
      waiting.set(customId, { request, promise: undefined as never });
    }).finally(() => waiting.delete(customId));
    waiting.get(customId)!.promise = promise;
    return promise;
  }

  async function enqueue(request: Waiting): Promise<void> {
    adoption ??= adoptAll();
    try {
      const adopted = await adoption;
      const result = arrived.get(request.customId);
      if (result !== undefined) {
        arrived.delete(request.customId);
        adopted.delete(request.customId);
        if (settle(result)) return;
      } else if (adopted.has(request.customId)) return;
    } catch (error) {
      request.reject(asRequestError(error));
      return;
    }
    if (!waiting.has(request.customId)) return;
    queue.push(request);
    clearTimeout(quiet);
    quiet = setTimeout(flush, queue.length >= api.maxRows ? 0 : quietMs);
  }

  /** Finds the batches of earlier processes and follows them; what they do not answer is asked anew. */
  async function adoptAll(): Promise<Set<string>> {
    const adopted = new Set<string>();
    const lost = (customId: string): void => void adopted.delete(customId);
    for (const { state, customIds } of await api.adopt()) {
      for (const customId of customIds) adopted.add(customId);
      void follow(state, customIds, lost).catch((error) => {
        for (const customId of customIds) if (adopted.has(customId)) retry(customId, asRequestError(error).message, lost);
      });
    }
    return adopted;
  }

  function flush(): void {
    const requests = queue;
    queue = [];
    for (const chunk of splitBatches(requests, api)) void submit(chunk);
  }

  async function submit(requests: Waiting[]): Promise<void> {
    try {
      const state = await api.submit(requests.map(({ customId, body }) => ({ customId, body })));
      await follow(
        state,
        requests.map(({ customId }) => customId),
      );
    } catch (error) {
      for (const { reject } of requests) reject(asRequestError(error));
    }
  }

  async function follow(start: BatchState, customIds: string[], lost: (customId: string) => void = () => {}): Promise<void> {
    const open = new Set(customIds);
    for (let state = start; !state.isOver; state = await api.poll(start.id))
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    for (const result of await api.results(start.id)) {
      // A line that comes twice, or that nobody asked for, is not taken.
      if (!open.delete(result.customId)) continue;
      if (!settle(result)) retry(result.customId, `ended with status ${result.status}`, lost);
    }
    for (const customId of open) retry(customId, "was not answered (expired, or missing in the results)", lost);
  }

  /** Hands a result to its request; false when it should be asked again. */
  function settle(result: BatchResult): boolean {
    const { customId, status, reply } = result;
    const request = waiting.get(customId)?.request;
    if (request === undefined) {
      arrived.set(customId, result);
      return true;
    }
    try {
      if (status !== 200)
        throw new RequestError(
          status === 0 ? "server" : classify(status, providerError(reply)),
          `${name}: status ${status} in a batch`,
          { model: name, status, raw: JSON.stringify(reply) },
        );
      request.resolve(options.accept(reply));
    } catch (cause) {
      const error = asRequestError(cause);
      if (policyOf(error.kind).retry && request.tries < maxRetries) return false;
      request.reject(error);
    }
    return true;
  }

  function retry(customId: string, why: string, lost: (customId: string) => void): void {
    lost(customId);
    const request = waiting.get(customId)?.request;
    if (request === undefined) return;
    if (++request.tries > maxRetries)
      request.reject(new RequestError("server", `${name}: a request ${why} in ${request.tries} batches`, { model: name }));
    else void enqueue(request);
  }

  function asRequestError(error: unknown): RequestError {
    return isRequestError(error)
      ? error
      : new RequestError("server", `${name}: ${error instanceof Error ? error.message : String(error)}`, {
          model: name,
          cause: error,
        });
  }

  const info = {
    id,
    limits: { maxConcurrency, maxWaitMs: 0 },
    defaults: { maxTokens },
    price,
    reopen() {},
    inFlight: () => waiting.size,
    pausedMs: () => 0,
  };
  return Object.defineProperty(Object.assign(generate, info), "name", { value: name });
}

/** Requests in order, in batches of at most the provider's rows and bytes. */
export function splitBatches<R extends BatchRequest>(
  requests: R[],
  { maxRows, maxBytes, sizeOf }: Pick<BatchApi, "maxRows" | "maxBytes" | "sizeOf">,
): R[][] {
  const batches: R[][] = [];
  let bytes = 0;
  for (const request of requests) {
    const size = sizeOf(request);
    const last = batches.at(-1);
    if (last === undefined || last.length >= maxRows || bytes + size > maxBytes) {
      batches.push([request]);
      bytes = size;
    } else {
      last.push(request);
      bytes += size;
    }
  }
  return batches;
}
