// Log-probabilities of labelled tokens with jax-js: logits in full, as its users write it.
import { openNavigator, operands, report, size } from "./logps-case.mjs";

await openNavigator();
const { init, defaultDevice, numpy: np, nn, jit, valueAndGrad, blockUntilReady } = await import(process.env.JAXJS_MODULE);
const devices = await init("webgpu");
if (!devices.includes("webgpu")) throw new Error(`jaxjs: there is no webgpu device, only ${devices}`);
defaultDevice("webgpu");

const { rows, width, vocabulary } = size;
const x = np.array(operands.x).reshape([rows, width]);
const head = np.array(operands.head).reshape([vocabulary, width]);
// One-hot, made here once: `nn.oneHot` takes rows of an identity matrix, [V, V], which is beyond a binding's limit at 8,192, and the
// gradient of `takeAlongAxis` cannot be compiled.
const oneHot = new Float32Array(rows * vocabulary);
operands.targets.forEach((target, n) => {
  oneHot[n * vocabulary + target] = 1;
});
const labels = np.array(oneHot).reshape([rows, vocabulary]);
await blockUntilReady([x, head, labels]);

const meanLogp = (p, y) =>
  nn
    .logSoftmax(np.matmul(p.x, p.head.transpose()))
    .mul(y)
    .sum()
    .mul(1 / rows);
const forward = jit(meanLogp);
const lossAndGradients = jit(valueAndGrad((p, y) => meanLogp(p, y).mul(-1)));
const inputs = () => ({ x: x.ref, head: head.ref });

let logp = 0;
await report(
  "jax-js-webgpu",
  "fwd",
  async () => {
    logp = (await forward(inputs(), labels.ref).data())[0];
  },
  () => ({ logp }),
);

let gradients = {};
const squares = async (array) => (await array.data()).reduce((sum, value) => sum + value * value, 0);
await report(
  "jax-js-webgpu",
  "fwdbwd",
  async () => {
    for (const old of Object.values(gradients)) old.dispose();
    const [loss, found] = lossAndGradients(inputs(), labels.ref);
    gradients = found;
    await blockUntilReady(Object.values(found));
    logp = -(await loss.data())[0];
  },
  async () => ({ logp, grad_norm: Math.sqrt((await squares(gradients.x)) + (await squares(gradients.head))) }),
);
process.exit(0);
