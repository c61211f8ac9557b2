import type { IncomingMessage } from "node:http";
import { apiError } from "./api-error.ts";

const MOST_BYTES = 16 * 2 ** 20;

/** The JSON object of a request's body. Throws an ApiError for another content type, a body that is too long, and what is no JSON object. */
export async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  // A web page can make a browser send other types to this port without asking first.
  if (!/^application\/json\b/i.test(request.headers["content-type"] ?? ""))
    throw apiError(415, `content-type is ${request.headers["content-type"] ?? "absent"}; send application/json`);
  const tooLong = () => apiError(413, `the body is longer than ${MOST_BYTES} bytes; send less`);
  if (Number(request.headers["content-length"] ?? 0) > MOST_BYTES) throw tooLong();
  const parts: Uint8Array[] = [];
  let bytes = 0;
  // The stream outlives the loop: destroying it would close the connection before the reply is sent.
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
    bytes += part.length;
    if (bytes > MOST_BYTES) throw tooLong();
    parts.push(part);
  }
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(parts)));
  } catch (cause) {
    throw apiError(400, `the body is not the UTF-8 JSON it should be (${(cause as Error).message})`, { cause });
  }
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  throw apiError(400, "the body is no JSON object; send one with model and messages or prompt");
}
