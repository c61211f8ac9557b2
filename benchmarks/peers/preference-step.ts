import { collatePreferences, type PreferenceBatch, pipe, rowsOf, type TokenizedPreferenceRow } from "@zephyr/data";
import { dpo } from "@zephyr/losses";
import { createModel, type Device, parseModelConfig, referenceLogps, trainPreference } from "@zephyr/train-webgpu";
import { randomIds } from "./clock.mjs";
import { type Measurement, time } from "./measure.ts";
import type { ModelShape } from "./settings.ts";
import { configOf } from "./training-step.ts";

/** One optimizer step of DPO over B pairs, both answers T tokens long with the prompt that they share, a quarter of it. */
export async function timePreferenceStep(device: Device, model: ModelShape, rounds: number): Promise<Measurement> {
  const { layers, width, heads, feedForward, vocabulary, sequences, length } = model;
  using policy = await createModel(device, parseModelConfig(configOf(model, length)), { seed: 0 });
  const batch = await collectBatch(pipe(rowsOf(randomPairs(model)), referenceLogps(policy)), sequences);
  const training = trainPreference({
    policy,
    batches: {
      [Symbol.asyncIterator]: async function* () {
        yield batch;
      },
    },
    loss: dpo({ beta: 0.1 }),
    learningRate: 2e-5,
    schedule: "constant",
    maxSteps: Number.MAX_SAFE_INTEGER,
  });
  const steps = training[Symbol.asyncIterator]();
  const name = `dpo_step_${[layers, width, heads, feedForward, vocabulary, sequences, length]}`;
  const measured = await time(name, { rounds }, async () => {
    const { value } = await steps.next();
    return value.metrics.loss;
  });
  await steps.return?.();
  return measured;
}

/** B pairs of random tokens: of each the prompt, then the chosen answer, then the rejected one. */
function randomPairs({ vocabulary, sequences, length }: ModelShape): TokenizedPreferenceRow[] {
  const prompt = Math.max(1, Math.floor(length / 4));
  const answer = length - prompt;
  const each = prompt + 2 * answer;
  const ids = randomIds(sequences * each, vocabulary, 99);
  return Array.from({ length: sequences }, (_, pair) => {
    const part = (from: number, count: number): number[] => [...ids.subarray(pair * each + from, pair * each + from + count)];
    return {
      prompt_ids: part(0, prompt),
      chosen_ids: part(prompt, answer),
      rejected_ids: part(prompt + answer, answer),
    };
  });
}

async function collectBatch(rows: AsyncIterable<TokenizedPreferenceRow>, pairs: number): Promise<PreferenceBatch> {
  for await (const batch of collatePreferences({ pairsPerBatch: pairs })(rows)) return batch;
  throw new RangeError("collectBatch: there are no pairs; give at least one");
}
