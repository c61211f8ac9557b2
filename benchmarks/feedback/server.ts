import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";

/** What the loopback server of these benchmarks does; it runs in a process of its own. */
export interface ServerOptions {
  /** From the request to its reply. */
  delayMs?: number;
  /** Characters of an answer. Default 2000. */
  replyCharacters?: number;
  /** Refused with 429 above this: in any 60 seconds, and above a tenth of a minute's sixtieth in any one second. */
  requestsPerMinute?: number;
  /** Share of attempts that fail in one of many ways; which ones, is drawn from the request and the number of its attempt. */
  faultShare?: number;
  /** Usage is drawn from the request: completion tokens differ up to 20-fold. */
  variedUsage?: boolean;
  /** Remembers every request, to find those that were answered twice. */
  remember?: boolean;
}

export interface ServerStats {
  requests: number;
  answered: number;
  refused: number;
  faults: number;
  /** Milliseconds from the first request to the last one, on the server's clock. */
  spanMs: number;
  promptTokens: Record<string, number>;
  completionTokens: Record<string, number>;
  distinct: number;
  /** Sent again although their answer had reached a client at least 0.5 s before it was killed, or a client that lives. */
  answeredTwice: number;
  /** Sent again since a kill came before the answer could be kept: allowed. */
  resent: number;
  /** From the answer to the kill, of all that were sent again. */
  oldestResentMs: number;
}

export interface BenchServer extends AsyncDisposable {
  baseUrl: string;
  stats(): Promise<ServerStats>;
  /** Tells the server when the client was killed, in milliseconds since 1970. */
  killed(at: number): Promise<void>;
}

export async function startServer(options: ServerOptions): Promise<BenchServer> {
  const child: ChildProcess = spawn(process.execPath, [import.meta.filename, JSON.stringify(options)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const port = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout! }).once("line", resolve);
    child.once("exit", (code) => reject(new Error(`server: ended with ${code}`)));
  });
  const origin = `http://127.0.0.1:${port}`;
  return {
    baseUrl: `${origin}/v1`,
    stats: async () => (await fetch(`${origin}/stats`)).json() as Promise<ServerStats>,
    killed: async (at) => void (await fetch(`${origin}/killed?at=${at}`)).text(),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
    },
  };
}

/** Tells a live client's answers from those of clients that were killed. */
function memory() {
  const killedAt: number[] = [];
  const answers = new Map<string, { at: number; life: number }>();
  let answeredTwice = 0;
  let resent = 0;
  let oldestResentMs = 0;
  return {
    life: () => killedAt.length,
    kill: (at: number) => void killedAt.push(at),
    asked(key: string): void {
      const answer = answers.get(key);
      if (answer === undefined) return;
      // Of a client that lives, the age is without bound.
      const age = (killedAt[answer.life] ?? Number.POSITIVE_INFINITY) - answer.at;
      oldestResentMs = Math.max(oldestResentMs, age);
      if (age >= 500) answeredTwice++;
      else resent++;
    },
    answered: (key: string, life: number) => void answers.set(key, { at: Date.now(), life }),
    counts: () => ({ distinct: answers.size, answeredTwice, resent, oldestResentMs }),
  };
}

/** Refuses what is more than R in any 60 s, or more than a second's share at once. */
function enforcer(requestsPerMinute: number): () => boolean {
  const sent: number[] = [];
  let level = requestsPerMinute / 60;
  let last = performance.now();
  return () => {
    const now = performance.now();
    level = Math.min(requestsPerMinute / 60, level + ((now - last) * requestsPerMinute) / 60_000);
    last = now;
    while (sent.length > 0 && sent[0]! <= now - 60_000) sent.shift();
    if (level < 1 || sent.length >= requestsPerMinute) return false;
    level--;
    sent.push(now);
    return true;
  };
}

type Fault = (response: ServerResponse) => void;
const refuse =
  (status: number, error: object, headers: Record<string, string> = {}): Fault =>
  (response) =>
    void response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify({ error }));
const send =
  (type: string, body: string): Fault =>
  (response) =>
    void response.writeHead(200, { "content-type": type }).end(body);
const FAULTS: Fault[] = [
  refuse(429, { message: "slow down" }, { "retry-after-ms": "30" }),
  refuse(429, { message: "slow down" }),
  refuse(500, { message: "internal" }),
  refuse(502, { message: "bad gateway" }),
  refuse(503, { message: "unavailable" }, { "retry-after": "0" }),
  refuse(529, { type: "overloaded_error", message: "overloaded" }),
  refuse(408, { message: "time-out" }),
  send("text/html", "<html>maintenance</html>"),
  send("application/json", '{"choices": [{"mess'),
  send("application/json", '{"error": {"type": "overloaded_error", "message": "overloaded"}}'),
  send("application/json", '{"choices": []}'),
  send("application/json", '{"choices": [{"message": {"content": ""}, "finish_reason": "stop"}]}'),
  (response) => void response.socket?.resetAndDestroy(),
  (response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": "1000" }).write('{"choices"');
    setTimeout(() => response.socket?.destroy(), 10);
  },
];

function serve(options: ServerOptions): void {
  const { delayMs = 0, replyCharacters = 2000, requestsPerMinute, faultShare = 0, variedUsage = false } = options;
  const filler = "A sentence of an answer as long as they are. ".repeat(1 + replyCharacters / 45).slice(0, replyCharacters);
  const admits = requestsPerMinute === undefined ? () => true : enforcer(requestsPerMinute);
  const attempts = new Map<string, number>();
  const seen = options.remember ? memory() : undefined;
  const stats = { requests: 0, answered: 0, refused: 0, faults: 0 };
  const promptTokens: Record<string, number> = {};
  const completionTokens: Record<string, number> = {};
  let [first, last] = [0, 0];

  function faultFor(key: string, draw: number): Fault | undefined {
    if (faultShare === 0) return undefined;
    const attempt = attempts.get(key) ?? 0;
    attempts.set(key, attempt + 1);
    const mixed = (Math.imul(draw ^ (attempt * 0x9e3779b1), 0x85ebca6b) >>> 0) / 2 ** 32;
    return mixed < faultShare ? FAULTS[Math.floor((mixed / faultShare) * FAULTS.length)] : undefined;
  }

  function chat(text: string, response: ServerResponse): void {
    const { model, messages } = JSON.parse(text) as { model: string; messages: { content: string }[] };
    const question = messages.at(-1)!.content;
    const key = `${model}: ${question}`;
    const draw = faultShare > 0 || variedUsage ? createHash("sha256").update(key).digest().readUInt32LE() : 0;
    last = performance.now();
    if (stats.requests++ === 0) first = last;
    if (!admits()) {
      stats.refused++;
      refuse(429, { message: "rate limit" }, { "retry-after": "1" })(response);
      return;
    }
    seen?.asked(key);
    const fault = faultFor(key, draw);
    if (fault !== undefined) {
      stats.faults++;
      fault(response);
      return;
    }
    const usage = {
      prompt_tokens: 20 + Math.ceil(question.length / 4),
      completion_tokens: variedUsage ? Math.ceil(40 * 20 ** (draw / 2 ** 32)) : 500,
    };
    const life = seen?.life() ?? 0;
    const message = { role: "assistant", content: replyCharacters > 0 ? `${key} ${filler}` : key };
    const body = JSON.stringify({ id: "x", model, choices: [{ index: 0, message, finish_reason: "stop" }], usage });
    const reply = (): void => {
      response.on("finish", () => {
        stats.answered++;
        seen?.answered(key, life);
        promptTokens[model] = (promptTokens[model] ?? 0) + usage.prompt_tokens;
        completionTokens[model] = (completionTokens[model] ?? 0) + usage.completion_tokens;
      });
      response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) }).end(body);
    };
    if (delayMs > 0) setTimeout(reply, delayMs);
    else reply();
  }

  const server = createServer((request, response) => {
    if (request.url === "/stats") {
      const counts = seen?.counts() ?? { distinct: 0, answeredTwice: 0, resent: 0, oldestResentMs: 0 };
      response.end(JSON.stringify({ ...stats, ...counts, spanMs: last - first, promptTokens, completionTokens }));
      return;
    }
    if (request.url?.startsWith("/killed?at=")) {
      seen?.kill(Number(request.url.slice("/killed?at=".length)));
      response.end();
      return;
    }
    let text = "";
    request.setEncoding("utf8");
    request.on("data", (chunk) => {
      text += chunk;
    });
    request.on("end", () => chat(text, response));
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
}

if (process.argv[1] === import.meta.filename) serve(JSON.parse(process.argv[2] ?? "{}") as ServerOptions);
