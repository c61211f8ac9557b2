import { describe, expect, it } from "vitest";
import { loadModel } from "../model/load-model.ts";
import { deviceOrSkip } from "../testing/device.ts";
import { fixture, fixtureJson } from "../testing/reference.ts";
import { createGenerator } from "./generator.ts";

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

  it("refuses an empty prompt, a foreign token and a prompt longer than the cache", async (context) => {
    const device = await deviceOrSkip(context);
    using policy = await loadModel(device, fixture("mistral"));
    using generator = createGenerator(policy, { slots: 1, maxLength: 8 });
    expect(() => generator.run({ promptIds: [], maxTokens: 1 })).toThrow(/prompt is empty/);
    expect(() => generator.run({ promptIds: [512], maxTokens: 1 })).toThrow(/token 512/);
    expect(() => generator.run({ promptIds: Array(8).fill(1), maxTokens: 1 })).toThrow(/8 tokens/);
  });
});
