// runnable
// A preference loss of one's own, in TypeScript: the trainer calls it with log-probabilities and takes the gradients it returns.
import { fileURLToPath } from "node:url";
import { collatePreferences, collectRows, pipe, rowsOf, tokenizePreferences } from "@zephyr/data";
import type { PreferenceLoss } from "@zephyr/losses";
import { loadModel, referenceLogps, requestDevice, trainPreference } from "@zephyr/train-webgpu";

// (margin - target)^2 on the difference of the log-ratios: a pair pulls until its margin is reached, and back beyond it.
const squaredMargin = (target: number): PreferenceLoss => {
  return ({ chosenLogps, rejectedLogps, refChosenLogps, refRejectedLogps }) => {
    const chosenRewards = chosenLogps.map((logp, i) => logp - refChosenLogps![i]!);
    const rejectedRewards = rejectedLogps.map((logp, i) => logp - refRejectedLogps![i]!);
    const errors = chosenRewards.map((reward, i) => reward - rejectedRewards[i]! - target);
    const losses = errors.map((error) => error ** 2);
    const loss = losses.reduce((sum, each) => sum + each, 0) / losses.length;
    const chosenGrad = errors.map((error) => (2 * error) / errors.length);
    return { loss, losses, chosenRewards, rejectedRewards, chosenGrad, rejectedGrad: chosenGrad.map((gradient) => -gradient) };
  };
};

const rows = [
  { prompt: "Why is the sky blue?", chosen: "Air scatters blue light most.", rejected: "It is blue because it is the sky." },
  { prompt: "Say hello.", chosen: "Hello!", rejected: "I would rather not." },
  { prompt: "What is 2 + 3?", chosen: "5", rejected: "It depends." },
  { prompt: "Name a colour.", chosen: "Green.", rejected: "Colours are many, and who is to say." },
];

using device = await requestDevice();
// A model of 90,000 random weights with its tokenizer: any Hugging Face folder of a Mistral, Llama or Qwen model goes here.
using policy = await loadModel(device, fileURLToPath(new URL("../packages/train-webgpu/fixtures/mistral", import.meta.url)));
const scored = await collectRows(pipe(rowsOf(rows), tokenizePreferences(policy.tokenizer), referenceLogps(policy)));
const batches = pipe(rowsOf(scored), collatePreferences({ pairsPerBatch: 4 }));

const margins: number[] = [];
const training = trainPreference({ policy, batches, loss: squaredMargin(2), learningRate: 2e-4, epochs: 6 });
for await (const { step, metrics } of training) {
  margins.push(metrics["rewards/margins"]!);
  console.log(step, metrics["loss"]?.toFixed(4), metrics["rewards/margins"]?.toFixed(4));
}
if (margins[0] !== 0 || !(margins.at(-1)! > 0.1)) throw new Error(`the margin should start at 0 and grow: ${margins}`);
