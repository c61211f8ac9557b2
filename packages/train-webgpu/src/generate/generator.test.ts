import { describe, expect, it } from "vitest";
import { requestDevice } from "../device/request-device.ts";
import { loadModel } from "../model/load-model.ts";
import { deviceOrSkip } from "../testing/device.ts";
import { fixture, fixtureJson } from "../testing/reference.ts";
import { createGenerator } from "./generator.ts";
import type { DrawnToken } from "./request.ts";

interface Greedy {
  max_new_tokens: number;
  generations: { prompt_ids: number[]; new_ids: number[]; logps: number[]; margin_to_second: number[] }[];
}

describe("the generator", () => {
  it("greedy tokens and their log-probabilities equal transformers' with a cache, all prompts at once", async (context) => {
    const device = await deviceOrSkip(context);
    const { generations, max_new_tokens } = fixtureJson<Greedy>("greedy.json");
    using policy = await loadModel(device, fixture("mistral"));
    using generator = createGenerator(policy, { slots: 3, maxLength: 256 });
    const results = await Promise.all(
      generations.map(({ prompt_ids }) => generator.run({ promptIds: prompt_ids, maxTokens: max_new_tokens, temperature: 0 })),
    );
    generations.forEach((expected, g) => {
      const close = expected.margin_to_second.findIndex((margin) => margin < 1e-4);
      const steps = close < 0 ? expected.new_ids.length : close;
      const { tokenIds, tokenLogps, finishReason } = results[g]!;
      expect(tokenIds.slice(0, steps)).toEqual(expected.new_ids.slice(0, steps));
      if (close < 0) expect(finishReason).toBe(expected.new_ids.at(-1) === policy.config.eosTokenId ? "stop" : "length");
      for (let i = 0; i < steps; i++) expect(Math.abs(tokenLogps[i]! - expected.logps[i]!)).toBeLessThan(1e-4);
    });
  });

  it("a seeded sample does not depend on what runs beside it, and another seed gives another one", async (context) => {
    const device = await deviceOrSkip(context);
    const { generations } = fixtureJson<Greedy>("greedy.json");
    using policy = await loadModel(device, fixture("mistral"));
    using generator = createGenerator(policy, { slots: 4, maxLength: 256 });
    const request = { promptIds: generations[0]!.prompt_ids, maxTokens: 24, temperature: 1, seed: 7 };
    const alone = await generator.run(request);
    const [beside] = await Promise.all([
      generator.run(request),
      ...generations.map(({ prompt_ids }, seed) => generator.run({ promptIds: prompt_ids, maxTokens: 17, seed })),
    ]);
    expect(beside).toEqual(alone);
    expect((await generator.run({ ...request, seed: 8 })).tokenIds).not.toEqual(alone.tokenIds);
  });

  it("requests that come while others run change no bit of them nor of themselves, whatever the passes hold", async (context) => {
    const device = await deviceOrSkip(context);
    using policy = await loadModel(device, fixture("mistral"));
    // Prompts longer than a pass: they are cut where the neighbours leave room.
    const prompt = (n: number) =>
      Array.from({ length: [3, 330, 150, 7, 260, 31][n % 6]! }, (_, i) => 3 + ((i * 7 + n * 131) % 500));
    const request = (n: number) => ({
      promptIds: prompt(n),
      maxTokens: 5 + (n % 4) * 6,
      temperature: n % 3,
      topK: (n % 2) * 40,
      seed: n,
    });
    const alone: unknown[] = [];
    for (let n = 0; n < 9; n++) {
      using one = createGenerator(policy, { slots: 1, maxLength: 400 });
      alone.push(await one.run(request(n)));
    }
    using generator = createGenerator(policy, { slots: 3, maxLength: 400 });
    const runs: Promise<unknown>[] = [];
    const submit = (n: number): void => {
      let tokens = 0;
      // Each of the first tokens of a request brings another one in.
      runs[n] = generator.run({ ...request(n), onToken: () => void (tokens++ === 0 && n + 3 < 9 && submit(n + 3)) });
    };
    for (let n = 0; n < 3; n++) submit(n);
    const together: unknown[] = [];
    for (let n = 0; n < 9; n++) together.push(await runs[n]);
    expect(together).toEqual(alone);
  });

  it("a request that is given up leaves its slot or the queue, and one whose callback throws fails alone", async (context) => {
    const device = await deviceOrSkip(context);
    using policy = await loadModel(device, fixture("mistral"));
    using generator = createGenerator(policy, { slots: 1, maxLength: 256 });
    const [first, second] = [new AbortController(), new AbortController()];
    const endless = { promptIds: [1, 9], maxTokens: 200, minTokens: 200 };
    let tokens = 0;
    const running = generator.run({
      ...endless,
      signal: first.signal,
      onToken: () => void (++tokens === 3 && first.abort("gone")),
    });
    const queued = generator.run({ ...endless, signal: second.signal });
    const last = generator.run({ promptIds: [1, 9], maxTokens: 2, temperature: 0 });
    second.abort("left");
    await expect(queued).rejects.toBe("left");
    expect(tokens).toBe(0);
    await expect(running).rejects.toBe("gone");
    expect(tokens).toBe(3);
    expect((await last).tokenIds.length).toBeGreaterThan(0);
    await expect(generator.run({ ...endless, signal: first.signal })).rejects.toBe("gone");
    const thrown = generator.run({
      ...endless,
      onToken: () => {
        throw new Error("mine");
      },
    });
    await expect(Promise.all([generator.run({ promptIds: [1], maxTokens: 4 }), thrown])).rejects.toThrow("mine");
    expect((await generator.run({ promptIds: [1], maxTokens: 1, minTokens: 1 })).finishReason).toBe("length");
  });

  it("draws no end before minTokens, and tells each token with its text and the likeliest in its place", async (context) => {
    const device = await deviceOrSkip(context);
    const { generations } = fixtureJson<Greedy>("greedy.json");
    using policy = await loadModel(device, fixture("mistral"));
    using generator = createGenerator(policy, { slots: 2, maxLength: 256 });
    const eos = policy.config.eosTokenId!;
    // The third greedy token ends a model for which it is the end.
    const greedy = { promptIds: generations[0]!.prompt_ids, maxTokens: 9, temperature: 0 };
    const end = generations[0]!.new_ids[2]!;
    using ending = createGenerator({ ...policy, config: { ...policy.config, eosTokenIds: [end] } }, { slots: 1, maxLength: 256 });
    const early = await ending.run(greedy);
    expect(early).toMatchObject({ tokenIds: generations[0]!.new_ids.slice(0, 3), finishReason: "stop" });
    const late = await ending.run({ ...greedy, minTokens: 6 });
    expect(late.tokenIds.slice(0, 2)).toEqual(early.tokenIds.slice(0, 2));
    expect(late.tokenIds.length).toBeGreaterThanOrEqual(6);
    expect(late.tokenIds.slice(0, 6)).not.toContain(end);
    const told: DrawnToken[] = [];
    const { prompt_ids } = generations[0]!;
    const request = {
      promptIds: prompt_ids,
      maxTokens: 12,
      temperature: 0,
      topLogps: 3,
      onToken: (token: DrawnToken) => void told.push(token),
    };
    const { tokenIds, tokenLogps, content } = await generator.run(request);
    expect(told.map(({ id }) => id)).toEqual(tokenIds.filter((id) => id !== eos));
    expect(content!.startsWith(told.map(({ text }) => text).join(""))).toBe(true);
    told.forEach(({ id, logp, top }, i) => {
      expect(logp).toBe(tokenLogps[i]);
      expect(top).toHaveLength(3);
      expect(top[0]).toEqual({ id, logp });
    });
  });

  it("a stop text ends the completion and is cut off, also in the middle of a token", async (context) => {
    const device = await deviceOrSkip(context);
    using policy = await loadModel(device, fixture("mistral"));
    using generator = createGenerator(policy, { slots: 2, maxLength: 256 });
    const messages = [{ role: "user", content: "Why is the sky blue?" }];
    const whole = await generator.generate(messages, { temperature: 0, maxTokens: 24 });
    const stop = whole.content.slice(9, 12);
    const cut = await generator.generate(messages, { temperature: 0, maxTokens: 24, stop: ["never", stop] });
    expect(cut.finishReason).toBe("stop");
    expect(cut.content).toBe(whole.content.slice(0, whole.content.indexOf(stop)));
    expect(cut.tokenIds).toEqual(whole.tokenIds!.slice(0, cut.tokenIds!.length));
  });

  it("a device that is lost ends every request, under way or waiting, with an error that says so", async (context) => {
    await deviceOrSkip(context);
    using device = await requestDevice();
    using policy = await loadModel(device, fixture("mistral"));
    using generator = createGenerator(policy, { slots: 1, maxLength: 64 });
    const request = { promptIds: [1, 5], maxTokens: 30, minTokens: 30 };
    let tokens = 0;
    const first = generator.run({ ...request, onToken: () => void (++tokens === 3 && device.gpu.destroy()) });
    const results = await Promise.allSettled([first, generator.run(request)]);
    for (const result of results)
      expect(result).toMatchObject({
        status: "rejected",
        reason: { code: "ERR_DEVICE_LOST", message: expect.stringMatching(/was lost \(destroyed.*go on from a checkpoint/) },
      });
  });

  it("refuses an empty prompt, a foreign token and a prompt longer than the cache", async (context) => {
    const device = await deviceOrSkip(context);
    using policy = await loadModel(device, fixture("mistral"));
    using generator = createGenerator(policy, { slots: 1, maxLength: 8 });
    expect(() => generator.run({ promptIds: [], maxTokens: 1 })).toThrow(/prompt is empty/);
    expect(() => generator.run({ promptIds: [512], maxTokens: 1 })).toThrow(/token 512/);
    const long = { promptIds: Array(8).fill(1), maxTokens: 1 };
    expect(() => generator.run(long)).toThrow(
      expect.objectContaining({ code: "ERR_CONTEXT_LENGTH", message: expect.stringMatching(/8 tokens/) }),
    );
    for (const wrong of [
      { maxTokens: 0 },
      { minTokens: -1 },
      { topK: 1.5 },
      { topP: 0 },
      { temperature: -1 },
      { seed: 0.5 },
      { stop: [""] },
      { topLogps: 513 },
    ])
      expect(() => generator.run({ promptIds: [1], maxTokens: 1, ...wrong })).toThrow(/generate: .*(give|leave|tokens)/);
    generator[Symbol.dispose]();
    expect(() => generator.run({ promptIds: [1], maxTokens: 1 })).toThrow(/disposed/);
  });
});
