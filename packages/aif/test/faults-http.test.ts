import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { type OpenaiCompatibleOptions, openaiCompatible, type RequestError } from "../src/index.ts";
import {
  answer,
  type Behaviour,
  drip,
  echo,
  events,
  faultServer,
  inTurn,
  raw,
  resetBeforeHeaders,
  resetInBody,
  silent,
  status,
  streamed,
} from "./fault-server.ts";

const question = [{ role: "user", content: "hello" }];

/** Asks one question of a server that does `first` in turn and then answers; gives the reply or the error, and what was seen. */
async function askThrough(first: Behaviour[], options: Partial<OpenaiCompatibleOptions> = {}, rest: Behaviour = answer("fine")) {
  await using server = await faultServer(inTurn(first, rest));
  const model = openaiCompatible({
    baseUrl: server.baseUrl,
    model: "m",
    apiKey: "plain.secretsecretsecret",
    timeoutSeconds: 5,
    maxWaitSeconds: 5,
    ...options,
  });
  const started = performance.now();
  const [reply, error] = await model(question).then(
    (completion) => [completion, undefined] as const,
    (cause: RequestError) => [undefined, cause] as const,
  );
  return { reply, error, ms: performance.now() - started, requests: server.requests, model };
}

test("fault 1: 429 with retry-after is waited out and uses up no attempt", async () => {
  const refused = status(429, { error: { message: "slow down" } }, { "retry-after": "1" });
  const { reply, requests } = await askThrough([refused, refused], { maxRetries: 0 });
  expect(reply?.content).toBe("fine");
  expect(requests[1]!.at - requests[0]!.at).toBeGreaterThanOrEqual(990);
  expect(requests[2]!.at - requests[1]!.at).toBeGreaterThanOrEqual(990);
});

test("fault 1: nothing is sent to a model before its retry-after is over, other requests included", async () => {
  await using server = await faultServer(inTurn([status(429, {}, { "retry-after": "1" })], answer("fine")));
  const model = openaiCompatible({ baseUrl: server.baseUrl, model: "m", maxConcurrency: 1 });
  await Promise.all([1, 2, 3, 4].map(() => model(question)));
  expect(server.requests).toHaveLength(5);
  expect(server.requests[1]!.at - server.requests[0]!.at).toBeGreaterThanOrEqual(990);
});

test("fault 2: 429 without a header lowers concurrency and ends in bounded time, rows pending", async () => {
  await using server = await faultServer(() => status(429));
  const model = openaiCompatible({ baseUrl: server.baseUrl, model: "m", maxConcurrency: 64, maxWaitSeconds: 2, maxRetries: 0 });
  const started = performance.now();
  const errors = await Promise.all(
    Array.from({ length: 64 }, () =>
      model(question).then(
        () => undefined,
        (error) => error as RequestError,
      ),
    ),
  );
  expect(new Set(errors.map((error) => error?.kind))).toEqual(new Set(["unavailable"]));
  expect(performance.now() - started).toBeLessThan(15_000);
  // One wave of 64, and then far fewer than the about 2 s allow at 64 in flight.
  expect(server.requests.length).toBeLessThan(64 * 6);
});

test("fault 3: retry-after of an hour parks the model: nothing more is sent, and the run ends after max_wait_seconds", async () => {
  const { error, requests, ms } = await askThrough([], { maxWaitSeconds: 1 }, status(429, {}, { "retry-after": "3600" }));
  expect(error?.kind).toBe("unavailable");
  expect(requests).toHaveLength(1);
  expect(ms).toBeGreaterThan(900);
  expect(ms).toBeLessThan(2000);
});

test("fault 5: insufficient_quota stops the model at once, without a retry, also for those that wait", async () => {
  await using server = await faultServer(() =>
    status(429, {
      error: { message: "You exceeded your current quota", type: "insufficient_quota", code: "insufficient_quota" },
    }),
  );
  const model = openaiCompatible({ baseUrl: server.baseUrl, model: "m", maxConcurrency: 1 });
  const errors = await Promise.all([1, 2, 3].map(() => model(question).catch((error: RequestError) => error.kind)));
  expect(errors).toEqual(["quota", "quota", "quota"]);
  expect(server.requests).toHaveLength(1);
});

test.each([
  ["6: 529", status(529, { type: "error", error: { type: "overloaded_error", message: "Overloaded" } })],
  ["7: an error object under HTTP 200", raw(JSON.stringify({ error: { type: "overloaded_error", message: "Overloaded" } }))],
  ["8: 500", status(500)],
  ["8: 502", status(502, "<html>bad gateway</html>")],
  ["8: 503", status(503)],
  ["8: 504", status(504)],
  ["10: 408", status(408)],
  ["10: 409", status(409)],
  ["11: reset before the headers", resetBeforeHeaders],
  ["12: reset in the body", resetInBody],
  ["13: truncated JSON", raw('{"choices": [{"message": {"content": "fi')],
  ["17: an HTML page under HTTP 200", raw("<!doctype html><p>maintenance</p>", { "content-type": "text/html" })],
  ["19: corrupt gzip", raw(Buffer.from("no gzip at all"), { "content-type": "application/json", "content-encoding": "gzip" })],
  ["19: invalid UTF-8", raw(Buffer.from([0x7b, 0xff, 0xfe, 0x7d]))],
  ["20: no choices", raw(JSON.stringify({ choices: [] }))],
  ["20: null content", answer(null)],
  ["20: blank content", answer(" \n")],
])("fault %s is retried and then answered", async (_name, fault) => {
  const { reply, requests } = await askThrough([fault], { maxRetries: 1 });
  expect(reply?.content).toBe("fine");
  expect(requests).toHaveLength(2);
});

test("fault 8: retries of a herd are spread out", async () => {
  await using server = await faultServer((_request, n) => (n < 128 ? status(500) : answer("fine")));
  const model = openaiCompatible({ baseUrl: server.baseUrl, model: "m", maxConcurrency: 128 });
  await Promise.all(Array.from({ length: 128 }, () => model(question)));
  const retries = server.requests.slice(128).map(({ at }) => at - server.requests[0]!.at);
  const perSlice = new Map<number, number>();
  for (const at of retries) perSlice.set(Math.floor(at / 50), (perSlice.get(Math.floor(at / 50)) ?? 0) + 1);
  expect(Math.max(...perSlice.values())).toBeLessThan(64);
});

test.each([
  [401, {}, "auth"],
  [403, {}, "auth"],
  [404, {}, "not_found"],
  [400, { error: { message: "temperature must be below 2" } }, "bad_request"],
  [
    400,
    { error: { message: "This model's maximum context length is 8192 tokens", code: "context_length_exceeded" } },
    "context_length",
  ],
  [413, "too big", "too_large"],
  [422, { detail: "bad" }, "bad_request"],
  [402, {}, "quota"],
])("fault 9: status %i %j is a %s error without a retry", async (code, body, kind) => {
  const { error, requests } = await askThrough([], {}, status(code, body));
  expect(error?.kind).toBe(kind);
  expect(requests).toHaveLength(1);
});

test("fault 14: a stream cut before its end is never taken for complete", async () => {
  const { reply, requests } = await askThrough(
    [
      events(streamed(["par", "tial"], { finish: "", done: false })),
      events(streamed(["par"], { finish: "" }), { cut: true }),
      events(streamed(["par"], { done: false })),
    ],
    { stream: true },
    events(streamed(["who", "le"])),
  );
  expect(reply?.content).toBe("whole");
  expect(requests).toHaveLength(4);
});

test("fault 7: an error event in a stream is an error", async () => {
  const { reply } = await askThrough(
    [events([streamed(["par"])[0]!, JSON.stringify({ error: { message: "Overloaded", type: "overloaded_error" } })])],
    { stream: true },
    events(streamed(["whole"])),
  );
  expect(reply?.content).toBe("whole");
});

test("a stream is read whatever its chunks are: two bytes at a time, UTF-8 and CRLF split", async () => {
  const { reply } = await askThrough([], { stream: true }, events(streamed(["né ", "日本", "🙂"]), { split: 2 }));
  expect(reply).toMatchObject({ content: "né 日本🙂", finishReason: "stop", usage: { prompt_tokens: 3, completion_tokens: 3 } });
});

test("fault 15: a body that drips ends at the deadline", async () => {
  const { error, ms } = await askThrough([], { timeoutSeconds: 0.5, maxRetries: 0, maxWaitSeconds: 0.6 }, drip(100));
  expect(error?.kind).toBe("unavailable");
  expect(error?.cause).toMatchObject({ kind: "timeout" });
  expect(ms).toBeLessThan(1800);
});

test("fault 15: a silent stream ends at the idle limit, long before the deadline", async () => {
  const { reply, ms } = await askThrough(
    [events(streamed(["par"], { finish: "", done: false }), { end: false })],
    { stream: true, idleTimeoutSeconds: 0.2, timeoutSeconds: 60 },
    events(streamed(["whole"])),
  );
  expect(reply?.content).toBe("whole");
  expect(ms).toBeLessThan(1500);
});

test("fault 16: no headers, an unknown host and a refused connection are told apart", async () => {
  const quiet = await askThrough([], { timeoutSeconds: 0.3, maxRetries: 0, maxWaitSeconds: 0.4 }, silent);
  expect(quiet.error?.cause).toMatchObject({ kind: "timeout" });
  const nowhere = openaiCompatible({ baseUrl: "http://host.invalid/v1", model: "m", maxWaitSeconds: 0.3 });
  expect(((await nowhere(question).catch((error) => error)) as RequestError).cause).toMatchObject({ kind: "dns" });
  const closed = openaiCompatible({ baseUrl: "http://127.0.0.1:1/v1", model: "m", maxWaitSeconds: 0.3 });
  expect(((await closed(question).catch((error) => error)) as RequestError).cause).toMatchObject({ kind: "connection" });
  await using server = await faultServer(() => answer("plain"));
  const tls = openaiCompatible({ baseUrl: server.baseUrl.replace("http:", "https:"), model: "m", maxWaitSeconds: 0.3 });
  expect(await tls(question).catch((error) => error)).toMatchObject({ kind: "tls" });
});

test("fault 18: JSON under a wrong content type is taken, with a warning", async () => {
  const body = JSON.stringify({ model: "m", choices: [{ message: { content: "fine" }, finish_reason: "stop" }] });
  const { reply } = await askThrough([raw(body, { "content-type": "text/plain" })]);
  expect(reply?.content).toBe("fine");
  expect(reply?.warnings?.[0]).toContain("text/plain");
});

test("fault 19: a byte order mark and a gzip body are read", async () => {
  const body = JSON.stringify({ model: "m", choices: [{ message: { content: "fine" }, finish_reason: "stop" }] });
  expect((await askThrough([raw(`\uFEFF${body}`)])).reply?.content).toBe("fine");
  const zipped = raw(gzipSync(body), { "content-type": "application/json", "content-encoding": "gzip" });
  expect((await askThrough([zipped])).requests).toHaveLength(1);
});

test("fault 19: a body of 50 MB is not read to its end", async () => {
  let sent = 0;
  const huge: Behaviour = async (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    const block = Buffer.alloc(1 << 20, " ");
    const closed = new Promise((resolve) => response.once("close", resolve));
    for (; sent < 50 && !response.destroyed; sent++)
      if (!response.write(block)) await Promise.race([closed, new Promise((resolve) => response.once("drain", resolve))]);
    response.end();
  };
  const { reply } = await askThrough([huge]);
  expect(reply?.content).toBe("fine");
  expect(sent).toBeLessThan(50);
});

test("fault 36 and 37: time in our own queue is no part of a request's timeout", async () => {
  await using server = await faultServer(() => answer(echo, { delayMs: 150 }));
  const model = openaiCompatible({ baseUrl: server.baseUrl, model: "m", maxConcurrency: 1, timeoutSeconds: 0.4, maxRetries: 0 });
  const replies = await Promise.all([1, 2, 3, 4, 5, 6].map(() => model(question)));
  expect(replies).toHaveLength(6);
  expect(server.requests).toHaveLength(6);
});

test("fault 43: the key is in no error, also when the server repeats it", async () => {
  const { error } = await askThrough([], {}, status(401, { error: { message: "Incorrect key plain.secretsecretsecret given" } }));
  const everything = JSON.stringify([error, error?.message, error?.raw, error?.stack, String(error?.cause)]);
  expect(everything).not.toContain("secretsecret");
  expect(everything).toContain("[redacted]");
});

test("an outage uses up no attempts once several requests fail", async () => {
  await using server = await faultServer((_request, n) => (n < 24 ? status(503) : answer("fine")));
  const model = openaiCompatible({ baseUrl: server.baseUrl, model: "m", maxConcurrency: 8, maxRetries: 1 });
  const replies = await Promise.all(Array.from({ length: 8 }, () => model(question)));
  expect(replies.every(({ content }) => content === "fine")).toBe(true);
}, 30_000);

test("a request that alone keeps failing ends after max_retries when the model answers others", async () => {
  await using server = await faultServer((request) =>
    request.body.messages[0]!.content === "poison" ? status(500) : answer("fine"),
  );
  const model = openaiCompatible({ baseUrl: server.baseUrl, model: "m", maxRetries: 1 });
  await model(question);
  const error = await model([{ role: "user", content: "poison" }]).catch((cause: RequestError) => cause);
  expect(error).toMatchObject({ kind: "server", status: 500 });
  expect(server.requests).toHaveLength(3);
});
