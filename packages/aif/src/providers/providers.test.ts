import { expect, test } from "vitest";
import { answer, type Behaviour, events, faultServer, inTurn, raw, status } from "../../test/fault-server.ts";
import { type AiSdkModel, anthropic, fromAiSdk, gemini, openaiCompatible, type RequestError } from "../index.ts";

const messages = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "hello" },
];
const schema = {
  type: "object",
  properties: { text: { type: "integer", enum: [1, 2] }, rating: { type: "string", enum: ["1", "N/A"] } },
  required: ["text"],
  additionalProperties: false,
};
const json = (value: unknown): Behaviour => raw(JSON.stringify(value));

test("OpenAI: the request holds what the API calls for, and max_tokens always", async () => {
  await using server = await faultServer(() => answer("hi"));
  const model = openaiCompatible({ baseUrl: `${server.baseUrl}/`, model: "m", apiKey: "sk-key", temperature: 0.5 });
  await model(messages, { topP: 0.9, maxTokens: 7, stop: ["x"] });
  await model(messages);
  expect(server.requests[0]).toMatchObject({
    path: "/v1/chat/completions",
    headers: { authorization: "Bearer sk-key" },
    body: { model: "m", messages, max_tokens: 7, temperature: 0.5, top_p: 0.9, stop: ["x"] },
  });
  expect(server.requests[1]!.body.max_tokens).toBe(1024);
  expect(server.requests[1]!.body).not.toHaveProperty("response_format");
});

test("OpenAI: a server that wants max_completion_tokens gets it from then on", async () => {
  await using server = await faultServer((request) =>
    "max_tokens" in request.body
      ? status(400, { error: { message: "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead." } })
      : answer("hi"),
  );
  const model = openaiCompatible({ baseUrl: server.baseUrl, model: "m" });
  await model(messages);
  await model(messages);
  expect(server.requests.map(({ body }) => body["max_completion_tokens"])).toEqual([undefined, 1024, 1024]);
});

test("OpenAI: a base URL that is none, or that holds a password, is refused", () => {
  expect(() => openaiCompatible({ baseUrl: "localhost", model: "m" })).toThrow(/base URL "localhost"/);
  expect(() => openaiCompatible({ baseUrl: "http://user:secret@host/v1", model: "m" })).toThrow(/apiKey/);
});

test("Anthropic: system goes into its own field, a schema into a tool, and the reply comes back in our terms", async () => {
  const text = {
    content: [{ type: "text", text: "hi" }],
    stop_reason: "max_tokens",
    usage: { input_tokens: 3, output_tokens: 1 },
    model: "claude-x-2026",
  };
  const tool = {
    content: [{ type: "tool_use", name: "reply", input: { rating: "1" } }],
    stop_reason: "tool_use",
    usage: { input_tokens: 3, output_tokens: 1 },
  };
  await using server = await faultServer(inTurn([json(text)], json(tool)));
  const model = anthropic({ baseUrl: server.baseUrl, model: "claude-x", apiKey: "key" });
  expect(await model(messages)).toEqual({
    content: "hi",
    model: "claude-x",
    finishReason: "length",
    usage: { prompt_tokens: 3, completion_tokens: 1 },
    servedModel: "claude-x-2026",
  });
  expect((await model(messages, { responseSchema: schema })).content).toBe('{"rating":"1"}');
  expect(server.requests[0]).toMatchObject({
    path: "/v1/messages",
    headers: { "x-api-key": "key", "anthropic-version": "2023-06-01" },
    body: { system: "Be brief.", messages: [messages[1]], max_tokens: 1024 },
  });
  expect(server.requests[1]!.body).toMatchObject({ tools: [{ input_schema: schema }], tool_choice: { type: "tool" } });
});

test("Anthropic: a stream is put together, one that errs or is cut is retried, a refusal is final", async () => {
  const start = '{"type":"message_start","message":{"model":"claude-x","usage":{"input_tokens":3,"output_tokens":1}}}';
  const block = '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}';
  const delta = (text: string): string =>
    JSON.stringify({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } });
  const end = (reason: string): string[] => [
    JSON.stringify({ type: "message_delta", delta: { stop_reason: reason }, usage: { output_tokens: 9 } }),
    '{"type":"message_stop"}',
  ];
  const overloaded = events([start, '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}']);
  await using server = await faultServer(
    inTurn(
      [overloaded, events([start, block, delta("par")]), events([start, block, delta("wh"), delta("ole"), ...end("end_turn")])],
      events([start, ...end("refusal")]),
    ),
  );
  const model = anthropic({ baseUrl: server.baseUrl, model: "claude-x", stream: true });
  expect(await model(messages)).toMatchObject({
    content: "whole",
    finishReason: "stop",
    usage: { prompt_tokens: 3, completion_tokens: 9 },
  });
  expect(server.requests).toHaveLength(3);
  expect(((await model(messages).catch((error) => error)) as RequestError).kind).toBe("refusal");
});

test("Gemini: roles, limits and schema are translated, thoughts are left out, and a blocked prompt is a content_filter", async () => {
  const reply = {
    candidates: [{ content: { parts: [{ text: "hmm", thought: true }, { text: "hi" }] }, finishReason: "STOP" }],
    usageMetadata: { promptTokenCount: 4, candidatesTokenCount: 1, thoughtsTokenCount: 2 },
  };
  await using server = await faultServer(inTurn([json(reply)], json({ promptFeedback: { blockReason: "SAFETY" } })));
  const model = gemini({ baseUrl: server.baseUrl, model: "gemini-x", apiKey: "key" });
  expect(
    await model([...messages, { role: "assistant", content: "a" }, { role: "user", content: "b" }], { responseSchema: schema }),
  ).toMatchObject({ content: "hi", finishReason: "stop", usage: { prompt_tokens: 4, completion_tokens: 3 } });
  const [seen] = server.requests;
  expect(seen).toMatchObject({ path: "/v1/models/gemini-x:generateContent", headers: { "x-goog-api-key": "key" } });
  expect(seen!.body).toMatchObject({
    systemInstruction: { parts: [{ text: "Be brief." }] },
    contents: [{ role: "user" }, { role: "model" }, { role: "user" }],
    generationConfig: { maxOutputTokens: 1024 },
  });
  expect(JSON.stringify(seen!.body)).not.toContain("additionalProperties");
  expect(((await model(messages).catch((error) => error)) as RequestError).kind).toBe("content_filter");
});

test("Gemini: the delay that an error's details ask for is kept", async () => {
  const refusal = status(429, {
    error: { code: 429, status: "RESOURCE_EXHAUSTED", message: "quota", details: [{ retryDelay: "0.4s" }] },
  });
  await using server = await faultServer(
    inTurn([refusal], json({ candidates: [{ content: { parts: [{ text: "hi" }] }, finishReason: "STOP" }] })),
  );
  await gemini({ baseUrl: server.baseUrl, model: "g" })(messages);
  expect(server.requests[1]!.at - server.requests[0]!.at).toBeGreaterThan(390);
});

test("AI SDK: a model object is asked in its own terms, and its errors are read by status and headers", async () => {
  const calls: Record<string, unknown>[] = [];
  const sdkModel: AiSdkModel = {
    modelId: "sdk",
    provider: "test",
    async doGenerate(options) {
      calls.push(options);
      if (calls.length === 1)
        throw Object.assign(new Error("slow down"), {
          statusCode: 429,
          responseHeaders: { "retry-after-ms": "100" },
          responseBody: "{}",
        });
      return {
        content: [
          { type: "reasoning", text: "hmm" },
          { type: "text", text: "hi" },
        ],
        finishReason: { unified: "stop" },
        usage: { inputTokens: { total: 5 }, outputTokens: { total: 2 } },
      };
    },
  };
  expect(await fromAiSdk(sdkModel)(messages)).toEqual({
    content: "hi",
    model: "sdk",
    finishReason: "stop",
    usage: { prompt_tokens: 5, completion_tokens: 2 },
  });
  expect(calls[1]).toMatchObject({
    prompt: [messages[0], { role: "user", content: [{ type: "text", text: "hello" }] }],
    maxOutputTokens: 1024,
  });
});
