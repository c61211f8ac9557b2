// Optimizer steps of a tiny model on the device this machine has, garbage collected between them; runs under Node, Bun and Deno.
import { dpo } from "@zephyr/losses";
import { createModel, createScorer, parseModelConfig, requestDevice, trainPreference, trainSft } from "@zephyr/train-webgpu";

const config = parseModelConfig({
  model_type: "mistral",
  hidden_size: 16,
  intermediate_size: 32,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 8,
  vocab_size: 32,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-5,
  initializer_range: 0.1,
});
const stream = (sequences) => ({
  inputIds: Uint32Array.from(sequences.flat()),
  positions: Uint32Array.from(sequences.flatMap((ids) => [...ids.keys()])),
  sequenceOffsets: Uint32Array.from([0, ...sequences].map((_, s) => sequences.slice(0, s).flat().length)),
  completionMask: Uint8Array.from(sequences.flatMap((ids) => ids.map((_, t) => (t > 1 ? 1 : 0)))),
});
const once = (batch) => ({
  async *[Symbol.asyncIterator]() {
    yield batch;
  },
});
const check = (holds, what) => {
  if (!holds) throw new Error(`smoke: ${what}`);
};

const device = await requestDevice();
const policy = await createModel(device, config, { seed: 0 });
const losses = [];
const batch = stream([
  [1, 5, 6, 7, 8],
  [1, 9, 10, 11],
]);
// Bun collects Dawn's instance while its device is in use, if nothing holds it, and the process dies.
const collect = globalThis.Bun ? () => globalThis.Bun.gc(true) : () => {};
for await (const { metrics } of trainSft({ policy, batches: once(batch), learningRate: 0.01, epochs: 100 })) {
  losses.push(metrics.loss);
  collect();
}
check(losses.length === 100 && losses[99] < losses[0], `the loss does not fall: ${losses}`);

const pairs = stream([
  [1, 5, 6, 7],
  [1, 5, 8, 9, 10],
]);
const scorer = createScorer(policy);
const { sequenceLogps } = await scorer.score(pairs);
const reference = { refChosenLogps: Float64Array.of(sequenceLogps[0]), refRejectedLogps: Float64Array.of(sequenceLogps[1]) };
const steps = [];
const batches = once({ ...pairs, pairs: 1, ...reference });
for await (const { metrics } of trainPreference({ policy, batches, loss: dpo({ beta: 0.1 }), learningRate: 0.01, epochs: 3 }))
  steps.push(metrics);
check(Math.abs(steps[0].loss - Math.log(2)) < 1e-6, `the first loss is ${steps[0].loss}, not log 2`);
check(steps[0]["rewards/chosen"] === 0, "the first reward is not 0");
check(steps[2]["rewards/margins"] > 0, "the margin does not grow");
scorer[Symbol.dispose]();
policy[Symbol.dispose]();
device[Symbol.dispose]();
console.log("ok");
