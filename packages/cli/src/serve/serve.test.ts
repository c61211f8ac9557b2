import { openaiCompatible } from "@zephyr/aif";
import type OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { generations, type TestServer, withTestServer } from "../testing/test-server.ts";

// Answers, as the real `openai` client and our own see them.

let server: TestServer;
let client: OpenAI;
withTestServer((started) => {
  server = started;
  client = started.client;
});

const chat = { model: "tiny", messages: generations[0]!.messages, max_completion_tokens: 24, temperature: 0 };
const decode = (ids: readonly number[]): string => server.policy.tokenizer!.decode(ids, { skipSpecialTokens: true });

describe("chat completions, with the openai client", () => {
  it("are transformers' greedy tokens, many at a time, with usage and finish reason", async () => {
    const replies = await Promise.all(
      generations.map(({ messages }) =>
        client.chat.completions.create({ model: "tiny", messages, max_tokens: 40, temperature: 0 }),
      ),
    );
    for (const [g, { prompt_ids, new_ids }] of generations.entries()) {
      const { choices, usage, object, model } = replies[g]!;
      expect({ object, model }).toEqual({ object: "chat.completion", model: "tiny" });
      expect(choices).toHaveLength(1);
      expect(choices[0]!.message).toEqual({ role: "assistant", content: decode(new_ids), refusal: null });
      expect(choices[0]!.finish_reason).toBe(new_ids.at(-1) === server.policy.config.eosTokenId ? "stop" : "length");
      expect(usage).toEqual({
        prompt_tokens: prompt_ids.length,
        completion_tokens: new_ids.length,
        total_tokens: prompt_ids.length + new_ids.length,
      });
    }
  });

  it("stream the same text and log-probabilities as in one piece, several answers interleaved", async () => {
    const asked = { ...chat, n: 3, temperature: 1, seed: 11, logprobs: true, top_logprobs: 2, stop: ["e"] };
    const whole = await client.chat.completions.create(asked);
    const stream = await client.chat.completions.create({ ...asked, stream: true, stream_options: { include_usage: true } });
    const texts = ["", "", ""];
    const tokens: OpenAI.ChatCompletionTokenLogprob[][] = [[], [], []];
    const reasons: (string | null)[] = [];
    let usage: unknown;
    for await (const chunk of stream) {
      expect(chunk.object).toBe("chat.completion.chunk");
      if (chunk.usage) usage = chunk.usage;
      for (const { index, delta, logprobs, finish_reason } of chunk.choices) {
        texts[index] += delta.content ?? "";
        tokens[index]!.push(...(logprobs?.content ?? []));
        if (finish_reason) reasons[index] = finish_reason;
      }
    }
    expect(texts).toEqual(whole.choices.map(({ message }) => message.content));
    expect(tokens).toEqual(whole.choices.map(({ logprobs }) => logprobs!.content));
    expect(reasons).toEqual(whole.choices.map(({ finish_reason }) => finish_reason));
    expect(usage).toEqual(whole.usage);
    expect(new Set(texts).size).toBeGreaterThan(1);
    for (const text of texts) expect(text).not.toContain("e");
  });

  it("are drawn by their seed alone; a request without one is another draw each time", async () => {
    const draw = async (more: object) =>
      (await client.chat.completions.create({ ...chat, temperature: 1, ...more })).choices.map(({ message }) => message.content);
    const [first] = await draw({ seed: 5 });
    const [again, second] = await Promise.all([draw({ seed: 5, n: 3 }), draw({ seed: 6 })]);
    expect(again[0]).toBe(first);
    expect(new Set(again).size).toBe(3);
    expect(second[0]).not.toBe(first);
    expect(await draw({ seed: -5 })).toEqual(await draw({ seed: -5 }));
    expect(await draw({})).not.toEqual(await draw({}));
    expect(await draw({ top_p: 1e-9 })).toEqual(await draw({ temperature: 0 }));
  });

  it("tell each token's log-probability and the likeliest in its place; greedily the token is the first of them", async () => {
    const { choices } = await client.chat.completions.create({
      ...chat,
      max_completion_tokens: 40,
      logprobs: true,
      top_logprobs: 3,
    });
    const { content } = choices[0]!.logprobs!;
    const { logps, new_ids } = generations[0]!;
    expect(content!.length).toBe(new_ids.filter((id) => id !== server.policy.config.eosTokenId).length);
    for (const [i, { token, logprob, top_logprobs, bytes }] of content!.entries()) {
      expect(Math.abs(logprob - logps[i]!)).toBeLessThan(1e-4);
      expect(top_logprobs).toHaveLength(3);
      expect(top_logprobs[0]).toEqual({ token, logprob, bytes });
      expect(top_logprobs[0]!.logprob).toBeGreaterThanOrEqual(top_logprobs[2]!.logprob);
      if (bytes) expect(new TextDecoder().decode(Uint8Array.from(bytes))).toBe(token);
    }
  });

  it("tell no log-probability of tokens that a stop text took away", async () => {
    const [whole] = (await client.chat.completions.create(chat)).choices;
    const text = whole!.message.content!;
    for (let at = 2; at < 12; at++) {
      const stop = text.slice(at, at + 4);
      const { choices, usage } = await client.chat.completions.create({ ...chat, stop, logprobs: true });
      expect(choices[0]!.message.content).toBe(text.slice(0, text.indexOf(stop)));
      const tokens = choices[0]!.logprobs!.content!.map(({ token }) => token);
      // The last token may lie across the place where the text was cut.
      expect(text.slice(0, text.indexOf(stop)).startsWith(tokens.slice(0, -1).join("")), `stop at ${at}`).toBe(true);
      expect(tokens.length - usage!.completion_tokens, `stop at ${at}`).toBeLessThanOrEqual(1);
    }
  });

  it("take text parts and a developer's message as transformers' template would see them", async () => {
    const [system, user] = chat.messages as { role: string; content: string }[];
    const parts = [...user!.content].map((text) => ({ type: "text" as const, text }));
    const messages = [
      { role: "developer" as const, content: system!.content },
      { role: "user" as const, content: parts },
    ];
    const [expected, reply] = await Promise.all([chat, { ...chat, messages }].map((one) => client.chat.completions.create(one)));
    expect(reply!.choices).toEqual(expected!.choices);
  });
});

describe("text completions and models", () => {
  it("continue texts and token ids, several at once, with echo and offsets", async () => {
    const prompt = decode(generations[0]!.prompt_ids);
    const { choices, usage } = await client.completions.create({
      model: "tiny",
      prompt: [prompt, "Once"],
      max_tokens: 4,
      echo: true,
      n: 2,
      temperature: 0,
    });
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    expect(choices[0]!.text.startsWith(prompt)).toBe(true);
    expect(choices[3]!.text).toBe(choices[2]!.text);
    expect(choices[3]!.text.startsWith("Once")).toBe(true);
    expect(usage!.completion_tokens).toBe(16);
    const ids = generations[0]!.prompt_ids;
    const one = await client.completions.create({ model: "tiny", prompt: ids, max_tokens: 6, logprobs: 2, temperature: 0 });
    const { tokens, token_logprobs, top_logprobs, text_offset } = one.choices[0]!.logprobs!;
    expect(tokens!.join("")).toBe(one.choices[0]!.text);
    expect(text_offset).toEqual(tokens!.map((_, i) => tokens!.slice(0, i).join("").length));
    for (const [i, logp] of token_logprobs!.entries()) expect(Math.abs(logp - generations[0]!.logps[i]!)).toBeLessThan(1e-4);
    expect(Object.values(top_logprobs![0]!)).toHaveLength(2);
    const usual = await client.completions.create({ model: "tiny", prompt: ids, temperature: 0 });
    expect(usual.usage!.completion_tokens).toBe(Math.min(16, generations[0]!.new_ids.length));
    const nothing = await client.completions.create({ model: "tiny", prompt: "Only this", max_tokens: 0, echo: true });
    expect(nothing.choices[0]).toMatchObject({ text: "Only this", finish_reason: "length" });
  });

  it("stream with echo: the pieces joined are the whole", async () => {
    const asked = { model: "tiny", prompt: ["Once", "Twice"], max_tokens: 9, echo: true, seed: 3, logprobs: null };
    const whole = await client.completions.create(asked);
    const texts = ["", ""];
    for await (const { choices } of await client.completions.create({ ...asked, stream: true }))
      for (const { index, text } of choices) texts[index] += text;
    expect(texts).toEqual(whole.choices.map(({ text }) => text));
  });

  it("list the one model, which is also found by its name", async () => {
    const { data } = await client.models.list();
    expect(data).toEqual([{ id: "tiny", object: "model", created: expect.any(Number), owned_by: "zephyr", max_model_len: 256 }]);
    expect(await client.models.retrieve("tiny")).toEqual(data[0]);
    await expect(client.models.retrieve("other")).rejects.toMatchObject({ status: 404, code: "model_not_found" });
    expect(await (await fetch(`${server.server.url}/health`, { headers: { authorization: "Bearer secret" } })).json()).toEqual({
      status: "ok",
    });
  });
});

describe("our own client", () => {
  it.each([false, true])("takes the server as a member of the pool (stream: %s)", async (stream) => {
    const model = openaiCompatible({ baseUrl: `${server.server.url}/v1`, model: "tiny", apiKey: "secret", stream });
    const { new_ids, prompt_ids } = generations[0]!;
    const reply = await model(chat.messages as { role: string; content: string }[], { temperature: 0, maxTokens: 40 });
    expect(reply).toMatchObject({
      content: decode(new_ids),
      finishReason: new_ids.at(-1) === server.policy.config.eosTokenId ? "stop" : "length",
      usage: { prompt_tokens: prompt_ids.length, completion_tokens: new_ids.length },
    });
  });
});
