import { connect } from "node:net";
import OpenAI, { type APIError } from "openai";
import { describe, expect, it } from "vitest";
import { generations, type TestServer, withTestServer } from "../testing/test-server.ts";

// What the server refuses, and what it does with too many requests and with clients that go.

let server: TestServer;
let client: OpenAI;
withTestServer((started) => {
  server = started;
  client = started.client;
});

const chat = { model: "tiny", messages: generations[0]!.messages, max_completion_tokens: 24, temperature: 0 };

describe("what is refused", () => {
  const wrong: [string, object, string][] = [
    ["a temperature above 2", { temperature: 3 }, "temperature"],
    ["a temperature that is a text", { temperature: "0" }, "temperature"],
    ["a top_p of 0", { top_p: 0 }, "top_p"],
    ["no messages", { messages: [] }, "messages"],
    ["an unknown role", { messages: [{ role: "tool", content: "x" }] }, "messages[0].role"],
    [
      "an image",
      { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "x" } }] }] },
      "messages[0].content",
    ],
    ["half a token", { max_completion_tokens: 1.5 }, "max_completion_tokens"],
    ["no token", { max_completion_tokens: 0 }, "max_tokens"],
    ["two limits that differ", { max_tokens: 3 }, "max_tokens"],
    ["too many answers", { n: 129 }, "n"],
    ["an empty stop text", { stop: ["a", ""] }, "stop"],
    ["top_logprobs without logprobs", { top_logprobs: 2 }, "top_logprobs"],
    ["stream options without a stream", { stream_options: { include_usage: true } }, "stream_options"],
    ["a field that would be ignored", { frequency_penalty: 1 }, "frequency_penalty"],
    ["tools", { tools: [{ type: "function" }] }, "tools"],
    ["JSON mode", { response_format: { type: "json_object" } }, "response_format"],
    ["a misspelt field", { temprature: 1 }, "temprature"],
  ];
  it.each(wrong)("%s is a 400 that names the field", async (_, fields, param) => {
    const failing = client.chat.completions.create({ ...chat, ...fields } as OpenAI.ChatCompletionCreateParamsNonStreaming);
    const error = await failing.then(
      () => undefined,
      (thrown) => thrown as APIError,
    );
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({ status: 400, type: "invalid_request_error", param });
    expect(error!.message).toMatch(/; (give|leave|set|did you mean)/);
  });

  it("an unknown model, a wrong key, a prompt beyond the context, ids beyond the vocabulary, too many answers", async () => {
    await expect(client.chat.completions.create({ ...chat, model: "gpt-4" })).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(client.withOptions({ apiKey: "wrong" }).models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    const long = { model: "tiny", prompt: Array(256).fill(5), max_tokens: 1 };
    await expect(client.completions.create(long)).rejects.toMatchObject({ status: 400, code: "context_length_exceeded" });
    await expect(client.completions.create({ ...long, stream: true })).rejects.toMatchObject({ status: 400 });
    await expect(client.completions.create({ ...long, prompt: [512] })).rejects.toMatchObject({
      status: 400,
      message: expect.stringMatching(/token 512/),
    });
    await expect(client.completions.create({ ...long, prompt: [5], n: 13 })).rejects.toMatchObject({ status: 400 });
    await expect(client.completions.create({ ...long, prompt: [[5], Array(300).fill(5)] })).rejects.toMatchObject({
      status: 400,
    });
    expect(server.faults).toEqual([]);
  });

  it("bodies that are no JSON object, too long, or of another type; unknown places and methods", async () => {
    const error = async (reply: Promise<Response>) => {
      const { status, headers, body } = await reply.then(async (got) => ({
        status: got.status,
        headers: got.headers,
        body: await got.json(),
      }));
      expect(headers.get("content-type")).toBe("application/json");
      expect(body).toEqual({ error: { message: expect.any(String), type: "invalid_request_error", param: null, code: null } });
      return status;
    };
    for (const body of ["{", "[]", "null", '"text"', "", "\u0000"])
      expect(await error(server.post("/v1/completions", body)), body).toBe(400);
    expect(await error(server.post("/v1/completions", "{}", { "content-type": "text/plain" }))).toBe(415);
    expect(await error(server.post("/v1/completions", JSON.stringify({ prompt: "x".repeat(17 * 2 ** 20) })))).toBe(413);
    expect(await error(server.post("/v1/embeddings", {}))).toBe(404);
    expect(await error(server.post("/constructor", {}))).toBe(404);
    const authorization = { headers: { authorization: "Bearer secret" } };
    expect(await error(fetch(`${server.server.url}/v1/chat/completions`, authorization))).toBe(405);
    const bad = await fetch(`${server.server.url}/v1/completions`, {
      method: "POST",
      headers: { ...authorization.headers, "content-type": "application/json" },
      body: Uint8Array.of(0x7b, 0xff, 0x7d),
    });
    expect(bad.status).toBe(400);
  });

  it("bytes that are no HTTP", async () => {
    const socket = connect(Number(new URL(server.server.url).port), "127.0.0.1");
    socket.write("\u0016\u0003\u0001 hello\r\n\r\n");
    let reply = "";
    for await (const part of socket) reply += part;
    expect(reply).toMatch(/^HTTP\/1\.1 400 /);
    expect((await client.models.list()).data).toHaveLength(1);
  });
});

describe("many requests", () => {
  it("are taken up to the queue's length and refused beyond it with 429 and Retry-After; all that were taken are answered", async () => {
    await server.settled();
    const body = { prompt: [5], max_tokens: 30, min_tokens: 30, temperature: 0 };
    const replies = await Promise.all(Array.from({ length: 20 }, () => server.post("/v1/completions", body)));
    const statuses = replies.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(12);
    const refused = replies.find(({ status }) => status === 429)!;
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(await refused.json()).toMatchObject({ error: { type: "rate_limit_error", code: "rate_limit_exceeded" } });
    const texts = await Promise.all(
      replies.filter(({ status }) => status === 200).map(async (reply) => (await reply.json()).choices[0].text),
    );
    expect(new Set(texts).size).toBe(1);
    // The client waits as it is told and comes through.
    const patient = client.withOptions({ maxRetries: 8 });
    const all = await Promise.all(
      Array.from({ length: 20 }, () => patient.completions.create({ model: "tiny", prompt: [5], max_tokens: 3, temperature: 0 })),
    );
    expect(all.every(({ choices }) => texts[0].startsWith(choices[0]!.text))).toBe(true);
  });

  it("are given up when their client goes, streaming or not, and their place is free at once", async () => {
    await server.settled();
    const before = server.service.totals.cancelled;
    const endless = { model: "tiny", prompt: [5], max_tokens: 250, n: 6 };
    const leaving = [new AbortController(), new AbortController()];
    const never = { ...endless, min_tokens: 250 } as typeof endless;
    const one = client.completions.create(never, { signal: leaving[0]!.signal });
    const two = await client.completions.create({ ...never, stream: true }, { signal: leaving[1]!.signal });
    for await (const _ of two) break;
    leaving[0]!.abort();
    await expect(one).rejects.toBeInstanceOf(OpenAI.APIUserAbortError);
    await server.settled();
    expect(server.service.totals.cancelled - before).toBe(2);
  });
});
