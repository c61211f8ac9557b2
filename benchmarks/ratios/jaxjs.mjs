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
const targets = np.array(new Int32Array(operands.targets), { dtype: np.int32 });
await blockUntilReady([x, head, targets]);

const meanLogp = (p, ids) =>
  nn
    .logSoftmax(np.matmul(p.x, p.head.transpose()))
    .mul(nn.oneHot(ids, vocabulary))
    .sum()
    .mul(1 / rows);
const forward = jit(meanLogp);
const lossAndGradients = jit(valueAndGrad((p, ids) => meanLogp(p, ids).mul(-1)));
const inputs = () => ({ x: x.ref, head: head.ref });

let logp = 0;
await report(
  "jax-js-webgpu",
  "fwd",
  async () => {
    logp = (await forward(inputs(), targets.ref).data())[0];
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
    const [loss, found] = lossAndGradients(inputs(), targets.ref);
    gradients = found;
    await blockUntilReady(Object.values(found));
    logp = -(await loss.data())[0];
  },
  async () => ({ logp, grad_norm: Math.sqrt((await squares(gradients.x)) + (await squares(gradients.head))) }),
);
process.exit(0);
