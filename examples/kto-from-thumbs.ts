// runnable
// KTO on thumbs up and down: log-probabilities from the device, the loss and its gradient from @zephyr/losses.
import { fileURLToPath } from "node:url";
import { collateSequences, pipe, rowsOf, type TokenizedRow } from "@zephyr/data";
import { kto } from "@zephyr/losses";
import { createScorer, loadModel, type Policy, requestDevice } from "@zephyr/train-webgpu";

const feedback = [
  { prompt: "Why is the sky blue?", completion: "Air scatters blue light most.", label: true },
  { prompt: "Say hello.", completion: "I would rather not.", label: false },
  { prompt: "What is 2 + 3?", completion: "5", label: true },
  { prompt: "Name a colour.", completion: "Colours are many, and who is to say.", label: false },
];

const fixture = (name: string) => fileURLToPath(new URL(`../packages/train-webgpu/fixtures/${name}`, import.meta.url));
using device = await requestDevice();
using reference = await loadModel(device, fixture("mistral"));
using policy = await loadModel(device, fixture("trl_dpo_run/beta0.1/final")); // the same model after some training

const tokenizer = reference.tokenizer!;
const encode = (prompt: string, completion: string): TokenizedRow => {
  const messages = [{ role: "user", content: prompt }];
  const ids = (text: string) => tokenizer.encode(text, { addSpecialTokens: false });
  const before = ids(tokenizer.applyChatTemplate(messages, { addGenerationPrompt: true }));
  const all = ids(tokenizer.applyChatTemplate([...messages, { role: "assistant", content: completion }]));
  return { input_ids: all, completion_mask: all.map((_, t) => (t < before.length ? 0 : 1)) };
};
const rows = feedback.map(({ prompt, completion }) => encode(prompt, completion));
// Each completion under another row's prompt estimates KL(policy || reference); below 0 it counts as 0      (Ethayarajh et al. 2024).
const shifted = feedback.map(({ prompt }, i) => encode(prompt, feedback[(i + 1) % feedback.length]!.completion));

async function logps(model: Policy, examples: TokenizedRow[]): Promise<Float64Array> {
  using scorer = createScorer(model);
  for await (const batch of pipe(rowsOf(examples), collateSequences({ sequencesPerBatch: examples.length })))
    return Float64Array.from((await scorer.score(batch)).sequenceLogps);
  throw new Error("there is nothing to score");
}

const mismatched = await logps(policy, shifted);
const refMismatched = await logps(reference, shifted);
const kl = mismatched.reduce((sum, logp, i) => sum + logp - refMismatched[i]!, 0) / mismatched.length;
const labels = feedback.map(({ label }) => label);
const result = kto({ beta: 0.1 })({ logps: await logps(policy, rows), refLogps: await logps(reference, rows), labels, kl });
console.log("kl", kl.toFixed(4), "loss", result.loss.toFixed(4));
feedback.forEach(({ completion, label }, i) => {
  console.log(label ? "up  " : "down", result.rewards[i]?.toFixed(4), result.grad[i]?.toFixed(5), completion);
});
// A thumb up always pulls its completion's log-probability up, a thumb down pushes it down.
if (labels.some((up, i) => Math.sign(result.grad[i]!) !== (up ? -1 : 1))) throw new Error("a gradient has the wrong sign");
