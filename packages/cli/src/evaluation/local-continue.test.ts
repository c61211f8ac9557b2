import { readFileSync } from "node:fs";
import { generateTokens } from "@zephyr/eval";
import { loadModel, requestDevice } from "@zephyr/train-webgpu";
import { expect, it } from "vitest";
import { reference } from "../testing/run-cli.ts";
import { localContinue } from "./local-continue.ts";

it("a local model writes what transformers writes greedily, up to a stop text, and a text prompt is its ids", async (context) => {
  using device = await requestDevice().catch((error: Error) => context.skip(error.message));
  using policy = await loadModel(device, reference("mistral"));
  using local = localContinue(policy, 512);
  const tokenizer = policy.tokenizer!;
  const { generations } = JSON.parse(readFileSync(reference("greedy.json"), "utf8"));
  const requests = generations.map(({ prompt_ids }: { prompt_ids: number[] }) => ({
    promptIds: prompt_ids,
    stop: [],
    maxTokens: 40,
  }));
  const texts = await local.generate(requests);
  const expected = generations.map(({ new_ids }: { new_ids: number[] }) =>
    tokenizer.decode(new_ids, { skipSpecialTokens: true }),
  );
  expect(texts).toEqual(expected);
  const stop = texts[0]!.slice(9, 12);
  const [cut] = await local.generate([{ ...requests[0], stop: [stop] }]);
  expect(cut).toBe(texts[0]!.slice(0, texts[0]!.indexOf(stop)));
  const generate = generateTokens({ tokenizer, generate: local.generate, maxLength: 512, bos: "off" });
  const context0 = tokenizer.decode(generations[0].prompt_ids, { skipSpecialTokens: false });
  expect(await generate([{ context: context0, stop: [], maxTokens: 40 }])).toEqual([texts[0]]);
});
