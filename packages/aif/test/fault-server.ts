import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as the server got it. */
export interface SeenRequest {
  at: number;
  path: string;
  headers: IncomingMessage["headers"];
  body: { model: string; messages: { role: string; content: string }[]; max_tokens: number; [key: string]: unknown };
}

/** What the server does with a request. */
export type Behaviour = (response: ServerResponse, request: SeenRequest) => void | Promise<void>;

export interface FaultServer extends AsyncDisposable {
  baseUrl: string;
  requests: SeenRequest[];
  close(): Promise<void>;
}

/** An HTTP server on loopback; `choose` picks what happens to the n-th request (from 0). */
export async function faultServer(choose: (request: SeenRequest, n: number) => Behaviour): Promise<FaultServer> {
  const requests: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("error", () => {});
    response.on("error", () => {});
    request.on("end", () => {
      const seen = {
        at: performance.now(),
        path: request.url!,
        headers: request.headers,
        body: JSON.parse(Buffer.concat(chunks).toString("utf8") || "{}"),
      };
      requests.push(seen);
      void choose(seen, requests.length - 1)(response, seen);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    close,
    [Symbol.asyncDispose]: close,
  };
}

export interface AnswerOptions {
  finish?: string | null;
  usage?: unknown;
  model?: string;
  delayMs?: number;
  headers?: Record<string, string>;
  message?: Record<string, unknown>;
}

/** A chat completion; a function of the request gives content that depends on it. */
export function answer(content: string | null | ((request: SeenRequest) => string), options: AnswerOptions = {}): Behaviour {
  return async (response, request) => {
    const {
      finish = "stop",
      usage = { prompt_tokens: 10, completion_tokens: 5 },
      model = request.body.model,
      delayMs = 0,
      headers = {},
      message = {},
    } = options;
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    const text = typeof content === "function" ? content(request) : content;
    const body = {
      id: "x",
      object: "chat.completion",
      model,
      choices: [{ index: 0, message: { role: "assistant", content: text, ...message }, finish_reason: finish }],
      usage,
    };
    response.writeHead(200, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(body));
  };
}

/** The content that a well-behaved server gives: a function of the request alone. */
export function echo(request: SeenRequest): string {
  return `${request.body.model}: ${request.body.messages.at(-1)!.content}`;
}

export function status(
  code: number,
  body: unknown = { error: { message: `status ${code}` } },
  headers: Record<string, string> = {},
): Behaviour {
  return (response) => {
    response.writeHead(code, { "content-type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };
}

/** Bytes under status 200, whatever they are. */
export function raw(body: string | Buffer, headers: Record<string, string> = { "content-type": "application/json" }): Behaviour {
  return (response) => {
    response.writeHead(200, headers);
    response.end(body);
  };
}

export const resetBeforeHeaders: Behaviour = (response) => void response.socket?.resetAndDestroy();

export const resetInBody: Behaviour = (response) => {
  response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
  response.write('{"choices": [');
  setTimeout(() => response.socket?.destroy(), 20);
};

export const silent: Behaviour = () => {};

/** One byte every `ms`, for ever. */
export function drip(ms: number): Behaviour {
  return (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    const timer = setInterval(() => response.write(" "), ms);
    response.on("close", () => clearInterval(timer));
  };
}

/** Server-sent events, each string one event's data; `end: false` keeps the connection open. */
export function events(data: string[], { end = true, cut = false, split = 0 } = {}): Behaviour {
  return async (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const bytes = Buffer.from(data.map((item) => `data: ${item}\r\n\r\n`).join(""));
    for (let at = 0; at < bytes.length; at += split || bytes.length) {
      response.write(bytes.subarray(at, at + (split || bytes.length)));
      if (split > 0) await new Promise((resolve) => setImmediate(resolve));
    }
    if (cut) response.socket?.destroy();
    else if (end) response.end();
  };
}

/** A streamed chat completion in pieces, with its closing events. */
export function streamed(pieces: string[], { finish = "stop", done = true } = {}): string[] {
  const chunk = (delta: object, reason: string | null = null): string =>
    JSON.stringify({ model: "m", choices: [{ index: 0, delta, finish_reason: reason }] });
  return [
    ...pieces.map((content) => chunk({ content })),
    ...(finish === "" ? [] : [chunk({}, finish)]),
    JSON.stringify({ model: "m", choices: [], usage: { prompt_tokens: 3, completion_tokens: pieces.length } }),
    ...(done ? ["[DONE]"] : []),
  ];
}

/** `first` for the first requests in turn, then `rest`. */
export function inTurn(first: Behaviour[], rest: Behaviour): (request: SeenRequest, n: number) => Behaviour {
  return (_request, n) => first[n] ?? rest;
}
