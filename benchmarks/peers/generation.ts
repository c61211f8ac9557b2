import { createGenerator, createModel, type Device, parseModelConfig } from "@zephyr/train-webgpu";
import { randomIds, rounded } from "./clock.mjs";
import { type Measurement, time } from "./measure.ts";
import type { GenerationSize, ModelShape } from "./settings.ts";
import { configOf } from "./training-step.ts";

/** Greedy continuation of P prompts of L tokens at once by n tokens each, prompts included, per token drawn. */
export async function timeGeneration(
  device: Device,
  model: ModelShape,
  { prompts, length, drawn }: GenerationSize,
  rounds: number,
): Promise<Measurement> {
  using policy = await createModel(device, parseModelConfig(configOf(model, length + drawn)), { seed: 0 });
  using generator = createGenerator(policy, { slots: prompts, maxLength: length + drawn });
  const ids = randomIds(prompts * length, model.vocabulary, 99);
  const requests = Array.from({ length: prompts }, (_, p) => ({
    promptIds: [...ids.subarray(p * length, (p + 1) * length)],
    maxTokens: drawn,
    temperature: 0,
  }));
  let logps: number[] = [];
  const name = `generate_${[prompts, length, drawn]}`;
  const measured = await time(name, { rounds, per: prompts * drawn }, async () => {
    const results = await Promise.all(requests.map((request) => generator.run(request)));
    logps = results.flatMap(({ tokenLogps }) => tokenLogps);
    return undefined;
  });
  if (logps.length !== prompts * drawn)
    throw new Error(`timeGeneration: ${logps.length} tokens were drawn, not ${prompts * drawn}; a completion ended early`);
  return { ...measured, logp: rounded(logps.reduce((sum, logp) => sum + logp, 0) / logps.length) };
}
