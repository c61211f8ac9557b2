import { type Dispatcher, Pool } from "undici";
import { decompress, type HttpReply, MAX_REPLY_BYTES, type Transport } from "./transport.ts";

/** undici pools, one per origin; time-outs and retries belong to the caller, who aborts. */
export function undiciTransport(): Transport {
  const pools = new Map<string, Pool>();
  const poolOf = (origin: string): Pool => {
    let pool = pools.get(origin);
    if (pool === undefined) {
      pool = new Pool(origin, { headersTimeout: 0, bodyTimeout: 0, maxResponseSize: MAX_REPLY_BYTES, keepAliveTimeout: 20_000 });
      pools.set(origin, pool);
    }
    return pool;
  };
  return {
    send({ url, headers, body, method = "POST" }, limit) {
      const { origin, path } = splitUrl(url);
      return new Promise((resolve, reject) => {
        const exchange = new Exchange(resolve, reject);
        limit.onOver(() => exchange.giveUp());
        if (!exchange.isOver) poolOf(origin).dispatch({ path, method, headers, body: body ?? null }, exchange);
      });
    },
  };
}

/** More than this unread, and the socket is not read further. */
const MOST_UNREAD_BYTES = 256 * 1024;

/**
 * One request and its reply over undici's own callbacks. `Pool.request` wraps a stream, an async resource and several listeners
 * around them, which costs more than all the rest of a short reply.
 */
class Exchange implements Dispatcher.DispatchHandler, HttpReply {
  status = 0;
  #headers: Record<string, string | string[] | undefined> = {};
  #unread: Buffer[] = [];
  #unreadBytes = 0;
  #isWhole = false;
  isOver = false;
  #error: unknown;
  #controller: Dispatcher.DispatchController | undefined;
  /** Who waits for the next bytes or the end. */
  #wake: (() => void) | undefined;
  readonly #resolve: (reply: HttpReply) => void;
  readonly #reject: (error: unknown) => void;

  constructor(resolve: (reply: HttpReply) => void, reject: (error: unknown) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** A request that still waits for its connection ends here, too. */
  giveUp(): void {
    if (this.isOver) return;
    this.#end(new Error("undiciTransport: the request was given up"));
    this.#controller?.abort(this.#error as Error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.isOver) controller.abort(this.#error as Error);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return;
    this.status = status;
    this.#headers = headers;
    this.#resolve(this);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#unread.push(chunk);
    this.#unreadBytes += chunk.length;
    // Whoever wants the whole body reads until `maxResponseSize`.
    if (!this.#isWhole && this.#unreadBytes > MOST_UNREAD_BYTES) controller.pause();
    if (!this.#isWhole) this.#wake?.();
  }

  onResponseEnd(): void {
    this.#end(undefined);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end(error);
  }

  #end(error: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#error = error;
    if (this.status === 0) this.#reject(error);
    this.#wake?.();
  }

  /** Callers pass it on by itself. */
  readonly header = (name: string): string | undefined => {
    const value = this.#headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  };

  async bytes(): Promise<Uint8Array> {
    this.#isWhole = true;
    if (this.#controller?.paused) this.#controller.resume();
    if (!this.isOver) await this.#more();
    if (this.#error !== undefined) throw this.#error;
    const [first, ...rest] = this.#unread;
    const body = first !== undefined && rest.length === 0 ? first : Buffer.concat(this.#unread);
    return decompress(body, this.header("content-encoding"));
  }

  get chunks(): AsyncIterable<Uint8Array> {
    return this.#read();
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const next = this.#unread.shift();
        if (next !== undefined) {
          this.#unreadBytes -= next.length;
          if (this.#controller?.paused && this.#unreadBytes < MOST_UNREAD_BYTES) this.#controller.resume();
          yield next;
        } else if (this.isOver) break;
        else await this.#more();
      }
      if (this.#error !== undefined) throw this.#error;
    } finally {
      // Left early: the rest of the body is of no use to anyone.
      if (!this.isOver) this.#controller?.abort(new Error("undiciTransport: the body was not read to its end"));
    }
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

const urls = new Map<string, { origin: string; path: string }>();

function splitUrl(url: string): { origin: string; path: string } {
  let parts = urls.get(url);
  if (parts === undefined) {
    const { origin, pathname, search } = new URL(url);
    parts = { origin, path: pathname + search };
    if (urls.size > 1000) urls.clear();
    urls.set(url, parts);
  }
  return parts;
}
