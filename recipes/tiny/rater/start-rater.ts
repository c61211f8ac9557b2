import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Message } from "@zephyr/data";
import { judgeReply } from "./judge-reply.ts";
import { readJudgeRequest } from "./judge-request.ts";

export const RATER_MODEL = "tiny-rule-rater";

const MAX_BODY_BYTES = 4 * 2 ** 20;

/** A running rater: its `base_url` for a judge's config, and how to end it. */
export interface Rater {
  baseUrl: string;
  close(): Promise<void>;
}

/** What is wrong with a request, in the OpenAI API's terms. */
class RequestError extends Error {
  readonly status: number;
  readonly param: string | null;

  constructor(status: number, message: string, param: string | null = null) {
    super(message);
    this.status = status;
    this.param = param;
  }
}

/**
 * Serves the rule-based rater on 127.0.0.1 as an OpenAI-compatible chat completions API; port 0 takes a free one.
 * It is no language model: it rates answers to questions of the tiny world by rules and refuses every other request.
 *
 * Rejects with code "EADDRINUSE" and the way out when the port is taken.
 *
 * @example const rater = await startRater(0); console.log(rater.baseUrl); await rater.close();
 */
export function startRater(port: number): Promise<Rater> {
  const server = createServer((request, response) => {
    answer(request).then(
      (body) => send(response, 200, body),
      (error: unknown) => sendError(response, error),
    );
  });
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(explain(error, port)));
    server.listen(port, "127.0.0.1", () => {
      const { port: taken } = server.address() as AddressInfo;
      const close = (): Promise<void> =>
        new Promise((done) => {
          server.close(() => done());
          server.closeAllConnections();
        });
      resolve({ baseUrl: `http://127.0.0.1:${taken}/v1`, close });
    });
  });
}

function explain(error: NodeJS.ErrnoException, port: number): Error {
  if (error.code !== "EADDRINUSE") return error;
  const message = `startRater: port ${port} on 127.0.0.1 is in use; give another port, or 0 for any free one`;
  return Object.assign(new Error(message, { cause: error }), { code: "EADDRINUSE" });
}

async function answer(request: IncomingMessage): Promise<unknown> {
  const path = new URL(request.url ?? "/", "http://127.0.0.1").pathname;
  if (request.method === "GET" && path === "/v1/models") {
    return { object: "list", data: [{ id: RATER_MODEL, object: "model", created: 0, owned_by: "zephyr" }] };
  }
  if (path !== "/v1/chat/completions")
    throw new RequestError(404, `there is no ${request.method} ${path}; POST to /v1/chat/completions`);
  if (request.method !== "POST") throw new RequestError(405, `${request.method} is not served here; use POST`);
  const messages = readMessages(await readBody(request));
  try {
    return completion(messages, judgeReply(readJudgeRequest(messages)));
  } catch (error) {
    if (error instanceof RangeError) throw new RequestError(400, error.message, "messages");
    throw error;
  }
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new RequestError(413, `the body is over ${MAX_BODY_BYTES} bytes; send fewer texts`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch (error) {
    throw new RequestError(400, `the body is not JSON (${(error as Error).message})`);
  }
}

function readMessages(body: unknown): Message[] {
  const { messages, stream, response_format } = (body ?? {}) as Record<string, unknown>;
  if (stream === true) throw new RequestError(400, "streaming is not supported; leave stream out", "stream");
  if (response_format !== undefined && (response_format as { type?: unknown } | null)?.type !== "text") {
    throw new RequestError(400, "response_format is not supported; ask for plain text", "response_format");
  }
  if (!Array.isArray(messages) || messages.length === 0 || !messages.every(isMessage)) {
    throw new RequestError(400, "messages must be a list of {role, content} with text content", "messages");
  }
  return messages;
}

function isMessage(value: unknown): value is Message {
  const { role, content } = (value ?? {}) as Record<string, unknown>;
  return typeof role === "string" && typeof content === "string";
}

/** The usage counts words, for there is no tokenizer here; the ids are constant, so that equal requests get equal bytes. */
function completion(messages: readonly Message[], content: string): unknown {
  const words = (text: string): number => text.split(/\s+/).length;
  const [prompt, reply] = [messages.reduce((sum, message) => sum + words(message.content), 0), words(content)];
  return {
    id: "chatcmpl-rules",
    object: "chat.completion",
    created: 0,
    model: RATER_MODEL,
    choices: [{ index: 0, message: { role: "assistant", content }, logprobs: null, finish_reason: "stop" }],
    usage: { prompt_tokens: prompt, completion_tokens: reply, total_tokens: prompt + reply },
  };
}

function sendError(response: ServerResponse, error: unknown): void {
  const known = error instanceof RequestError ? error : new RequestError(500, `the rater failed: ${String(error)}`);
  const type = known.status >= 500 ? "server_error" : "invalid_request_error";
  send(response, known.status, { error: { message: known.message, type, param: known.param, code: null } });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.destroyed) return;
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
