import {
  collatePreferences,
  collectRows,
  type PreferenceRow,
  pipe,
  rowsOf,
  tokenizePreferences,
  tokenizerFromJson,
} from "@zephyr/data";
import { dpo } from "@zephyr/losses";
import { createModel, parseModelConfig, referenceLogps, requestDevice, trainPreference } from "@zephyr/train-webgpu";
import { PAGE_MODEL, SEED } from "../../examples/browser/settings.ts";
import tokenizerJson from "../../recipes/tiny/tokenizer/tokenizer.json" with { type: "json" };
import tokenizerConfig from "../../recipes/tiny/tokenizer/tokenizer_config.json" with { type: "json" };
import { makeWorld } from "../../recipes/tiny/world/make-world.ts";

const PAIRS = 32;

/** The metrics of a few steps of dDPO on the page's model: the same program under Node and in a tab. */
export async function preferenceSteps(): Promise<{ adapter: string; steps: Record<string, number>[] }> {
  using device = await requestDevice();
  const tokenizer = tokenizerFromJson(tokenizerJson, tokenizerConfig);
  const config = parseModelConfig({ ...PAGE_MODEL, vocab_size: tokenizer.vocabSize });
  using policy = await createModel(device, config, { seed: SEED, tokenizer });
  const scored = pipe(rowsOf(pairs()), tokenizePreferences(tokenizer, { maxLength: 128 }), referenceLogps(policy));
  const rows = rowsOf(await collectRows(scored));
  const batches = pipe(rows, collatePreferences({ pairsPerBatch: 8 }));
  const steps: Record<string, number>[] = [];
  const options = { policy, batches, loss: dpo({ beta: 0.1 }), learningRate: 1e-3, epochs: 2, seed: SEED };
  for await (const { metrics } of trainPreference(options)) steps.push(metrics);
  const { description, vendor, architecture } = device.adapter;
  return { adapter: description || `${vendor} ${architecture}`, steps };
}

/** The teacher's answer to a question is chosen, its answer to the next question rejected. */
function pairs(): PreferenceRow[] {
  const { dialogues } = makeWorld(SEED);
  return dialogues.slice(0, PAIRS).map(({ messages }, i) => ({
    prompt_id: String(i),
    prompt: messages.slice(0, -1),
    chosen: messages.slice(-1),
    rejected: dialogues[i + 1]!.messages.slice(-1),
    score_chosen: 5,
    score_rejected: 1,
  }));
}
