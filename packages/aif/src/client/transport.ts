import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import type { Deadline } from "./deadline.ts";
import type { HeaderLookup } from "./retry-after.ts";

/** The largest reply body that is read, in bytes, compressed or not. */
export const MAX_REPLY_BYTES = 32 * 1024 * 1024;

export interface HttpRequest {
  url: string;
  headers: Record<string, string>;
  body?: string;
  method?: "POST" | "GET";
}

/** A reply whose body has not been read yet. */
export interface HttpReply {
  status: number;
  header: HeaderLookup;
  chunks: AsyncIterable<Uint8Array>;
  /** The whole body; throws when it is longer than `MAX_REPLY_BYTES`. */
  bytes(): Promise<Uint8Array>;
}

/** Sends one request and never retries: undici on Node, `fetch` on Bun and Deno, or a test's own. */
export interface Transport {
  /** Gives up, body included, when the limit is over. */
  send(request: HttpRequest, limit: Pick<Deadline, "onOver" | "signal">): Promise<HttpReply>;
}

let shared: Promise<Transport> | undefined;

/** The transport of this runtime, made once per process. */
export function defaultTransport(): Promise<Transport> {
  shared ??= isNode()
    ? import("./undici-transport.ts").then((module) => module.undiciTransport())
    : Promise.resolve(fetchTransport());
  return shared;
}

function isNode(): boolean {
  return !("Bun" in globalThis) && !("Deno" in globalThis) && typeof process !== "undefined";
}

/** The `fetch` of the runtime; redirects are not followed, since they would carry the key elsewhere. */
export function fetchTransport(): Transport {
  return {
    async send(request, { signal }) {
      const { url, headers, body, method = "POST" } = request;
      const reply = await fetch(url, { method, headers, signal, redirect: "manual", ...(body === undefined ? {} : { body }) });
      const chunks = reply.body ?? emptyBody();
      return {
        status: reply.status,
        header: (name) => reply.headers.get(name) ?? undefined,
        chunks,
        bytes: () => collectBytes(chunks),
      };
    },
  };
}

async function* emptyBody(): AsyncGenerator<Uint8Array> {}

/** Joins a body's chunks, giving up once it is longer than `MAX_REPLY_BYTES`. */
export async function collectBytes(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > MAX_REPLY_BYTES)
      throw new RangeError(`collectBytes: the reply is longer than ${MAX_REPLY_BYTES} bytes; it is not read further`);
    parts.push(chunk);
  }
  if (parts.length === 1) return parts[0]!;
  return Buffer.concat(parts, length);
}

/** Undoes a `content-encoding` that the transport left in place; throws on a corrupt or oversized body. */
export function decompress(bytes: Uint8Array, encoding: string | undefined): Uint8Array {
  const options = { maxOutputLength: MAX_REPLY_BYTES };
  if (encoding === undefined || encoding === "" || encoding === "identity") return bytes;
  if (/^(x-)?gzip$/i.test(encoding)) return gunzipSync(bytes, options);
  if (/^deflate$/i.test(encoding)) return inflateSync(bytes, options);
  if (/^br$/i.test(encoding)) return brotliDecompressSync(bytes, options);
  throw new TypeError(`decompress: the reply has content-encoding ${JSON.stringify(encoding)}, which was not asked for`);
}
