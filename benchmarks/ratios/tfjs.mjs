// Log-probabilities of labelled tokens with TensorFlow.js: logits in full, as its users write it.
import { createRequire } from "node:module";
import { openNavigator, operands, report, size } from "./logps-case.mjs";

await openNavigator();
const require = createRequire(import.meta.url);
// The package for Node looks for a browser's globals.
globalThis.window ??= globalThis;
globalThis.self ??= globalThis;
const tf = require(process.env.TFJS_MODULE);
const { WebGPUBackend } = require(process.env.TFJS_WEBGPU_MODULE);
const adapter = await navigator.gpu.requestAdapter();
const { maxStorageBufferBindingSize, maxBufferSize, maxComputeWorkgroupStorageSize } = adapter.limits;
const { maxComputeWorkgroupSizeX, maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupsPerDimension } = adapter.limits;
const device = await adapter.requestDevice({
  requiredLimits: {
    maxStorageBufferBindingSize,
    maxBufferSize,
    maxComputeWorkgroupStorageSize,
    maxComputeWorkgroupSizeX,
    maxComputeInvocationsPerWorkgroup,
    maxComputeWorkgroupsPerDimension,
  },
});
if (tf.findBackendFactory("webgpu")) tf.removeBackend("webgpu");
tf.registerBackend("webgpu", () => new WebGPUBackend(device, adapter.info), 10);
await tf.setBackend("webgpu");
await tf.ready();

const { rows, width, vocabulary } = size;
const x = tf.tensor(operands.x, [rows, width]);
const head = tf.tensor(operands.head, [vocabulary, width]);
const labels = tf.oneHot(tf.tensor1d([...operands.targets], "int32"), vocabulary).toFloat();
const meanLogp = (a, b) =>
  tf
    .logSoftmax(tf.matMul(a, b, false, true))
    .mul(labels)
    .sum()
    .mul(1 / rows);

let logp = 0;
const logpOf = async (value) => {
  logp = (await value.data())[0];
  value.dispose();
};
await report(
  "tfjs-webgpu",
  "fwd",
  () => logpOf(tf.tidy(() => meanLogp(x, head))),
  () => ({ logp }),
);

const lossAndGradients = tf.valueAndGrads((a, b) => meanLogp(a, b).mul(-1));
let gradients = [];
await report(
  "tfjs-webgpu",
  "fwdbwd",
  async () => {
    tf.dispose(gradients);
    const { value, grads } = lossAndGradients([x, head]);
    gradients = grads;
    // Commands end in their order: one number of each gradient is behind all of them.
    const last = tf.tidy(() => grads.map((one) => tf.slice(one.reshape([-1]), 0, 1)));
    await Promise.all(last.map((one) => one.data()));
    tf.dispose(last);
    await logpOf(value);
    logp = -logp;
  },
  async () => {
    const squares = await Promise.all(gradients.map(async (one) => (await one.square().sum().data())[0]));
    return { logp, grad_norm: Math.sqrt(squares[0] + squares[1]) };
  },
);
process.exit(0);
