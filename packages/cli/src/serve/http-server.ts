import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { apiError, errorBody, toApiError } from "./api-error.ts";
import { isJob, type Job, routed } from "./routes.ts";
import type { Send, Service } from "./service.ts";

export interface HttpServerOptions {
  host: string;
  /** 0: any that is free. */
  port: number;
  /** Clients must send it as `Authorization: Bearer KEY`. */
  apiKey: string | undefined;
  /** Errors that are no client's fault. */
  onFault: (error: unknown) => void;
}

/** A service that can be reached over HTTP. */
export interface HttpServer {
  /** Such as `http://127.0.0.1:8000`. */
  readonly url: string;
  /** Takes no further request and resolves when those under way are answered. */
  drain(): Promise<void>;
  /** Cuts all connections. */
  destroy(): void;
}

/** How long a client may take to send a whole request. */
const REQUEST_MS = 60_000;

/** Listens for OpenAI's requests. Rejects where the address cannot be had. */
export async function listen(service: Service, options: HttpServerOptions): Promise<HttpServer> {
  let draining = false;
  const server = createServer((request, response) => {
    void handle(service, request, response, { ...options, draining });
  });
  server.requestTimeout = REQUEST_MS;
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (error.code !== "ECONNRESET" && socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    else socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const { host, port } = options;
      const taken =
        cause.code === "EADDRINUSE"
          ? "is in use; choose another --port"
          : `cannot be had (${cause.message}); choose another --host or --port`;
      reject(new Error(`serve: port ${port} of ${host} ${taken}`, { cause }));
    });
    server.listen(options.port, options.host, resolve);
  });
  return {
    url: urlOf(server),
    async drain() {
      draining = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await closed;
    },
    destroy: () => server.closeAllConnections(),
  };
}

function urlOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo;
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}

type Handling = HttpServerOptions & { draining: boolean };

async function handle(service: Service, request: IncomingMessage, response: ServerResponse, options: Handling): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => gone.abort(new Error("serve: the client is gone")));
  try {
    if (options.draining) throw apiError(503, "the server is shutting down; ask another one", { retryAfter: 5 });
    authorize(request, options.apiKey);
    const answered = await routed(service, request);
    if (isJob(answered)) await answerJob(service, answered, response, gone.signal);
    else sendJson(response, 200, answered);
  } catch (error) {
    if (gone.signal.aborted) return;
    const known = toApiError(error);
    if (known.status >= 500 && known.status !== 503) options.onFault(error);
    if (response.headersSent) response.end(`data: ${JSON.stringify(errorBody(known))}\n\n`);
    else {
      // What is left of a body that was not read would be taken for the next request.
      response.shouldKeepAlive &&= request.complete;
      if (known.retryAfter !== undefined) response.setHeader("retry-after", known.retryAfter);
      sendJson(response, known.status, errorBody(known));
    }
  }
}

async function answerJob(
  service: Service,
  { request, shape }: Job,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const onStart = (): Send | undefined => {
    if (!request.stream) return undefined;
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" });
    return (event) => void response.write(`data: ${JSON.stringify(event)}\n\n`);
  };
  const whole = await service.reply(request, shape, { signal, onStart });
  if (whole) sendJson(response, 200, whole);
  else response.end("data: [DONE]\n\n");
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}

/** Both are hashed, so that the time the comparison takes tells nothing about the key. */
function authorize(request: IncomingMessage, apiKey: string | undefined): void {
  if (apiKey === undefined) return;
  const given = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
  const hash = (text: string): Buffer => createHash("sha256").update(text).digest();
  if (given !== undefined && timingSafeEqual(hash(given), hash(apiKey))) return;
  const what = given === undefined ? "no API key was sent" : "the API key is wrong";
  throw apiError(401, `${what}; send the server's key as "Authorization: Bearer KEY"`, { code: "invalid_api_key" });
}
