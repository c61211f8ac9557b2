import type { Device } from "@zephyr/train-webgpu";
import { linearLogps } from "../../packages/train-webgpu/src/kernels/linear-logps/linear-logps.ts";
import { createExecutor } from "../../packages/train-webgpu/src/plan/executor.ts";
import { createTape } from "../../packages/train-webgpu/src/plan/tape.ts";
import { noSizes } from "../../packages/train-webgpu/src/plan/tensor.ts";
import { read } from "../../packages/train-webgpu/src/plan/upload.ts";
import { logpsOperands, rounded } from "./clock.mjs";
import { createOperands } from "./kernels.ts";
import { type Measurement, time } from "./measure.ts";
import type { LogpsSize } from "./settings.ts";

/** Most bytes of logits at a time, as in training. */
const CHUNK_BYTES = 64 * 2 ** 20;

/** Log-probabilities of N tokens from x [N, C] and a head [V, C]; backward from their mean's negative, to x and the head. */
export async function timeLogps(
  device: Device,
  direction: "fwd" | "fwdbwd",
  { rows, width, vocabulary }: LogpsSize,
  rounds: number,
): Promise<Measurement> {
  if (width % 4 !== 0)
    throw new RangeError(`timeLogps: the width is ${width}; the product sums over it in fours, give a multiple of 4`);
  const backward = direction === "fwdbwd";
  using operands = createOperands(device);
  const { x, head: weight, targets } = logpsOperands({ rows, width, vocabulary });
  // The kernels want rows in fours, zeros beyond the last.
  const padded = new Float32Array(Math.ceil(rows / 4) * 4 * width);
  padded.set(x);
  const hidden = operands.add("hidden", padded, backward);
  const head = operands.add("head", weight, backward);
  const labels = {
    rows: operands.add(
      "rows",
      Uint32Array.from({ length: rows }, (_, n) => n),
    ),
    targets: operands.add("targets", targets),
    rowOfToken: operands.add(
      "row of token",
      Uint32Array.from({ length: rows }, (_, n) => n),
    ),
    sequenceOfRow: operands.add("sequence of row", new Uint32Array(rows)),
    rowWeights: operands.add("row weights", new Float32Array(rows).fill(1)),
    logCollision: operands.add("log collision", new Float32Array(rows)),
    sequenceGradient: operands.add("sequence gradient", Float32Array.of(-1 / rows)),
  };
  const shape = { width, vocabulary, maxTokens: rows, maxLabelled: rows };
  const tape = createTape();
  const chunkBytes = Math.min(device.maxBindingBytes, CHUNK_BYTES);
  const stats = linearLogps(tape, device, hidden, head, labels, { ...shape, chunkBytes });
  if (backward) tape.backward();
  using executor = await createExecutor(device, { all: tape.dispatches }, [stats]);
  // A product forward, two backward; logits that are computed twice are not counted twice.
  const flops = (backward ? 6 : 2) * rows * width * vocabulary;
  const measured = await time(`logps_${direction}_${[rows, width, vocabulary]}`, { rounds, flops }, async () => {
    executor.run("all", { ...noSizes, tokens: rows, labelled: rows, sequences: 1 });
    await read(device, [{ tensor: stats, length: 1 }]);
    return undefined;
  });
  const gradients = backward ? [hidden.gradient!, head.gradient!].map((tensor) => ({ tensor, length: tensor.bytes / 4 })) : [];
  const [values, ...written] = await read(device, [{ tensor: stats, length: rows * 4 }, ...gradients]);
  const logps = values!.filter((_, i) => i % 4 === 0);
  return {
    ...measured,
    logp: rounded(logps.reduce((sum, logp) => sum + logp, 0) / rows),
    ...(backward && { grad_norm: rounded(Math.sqrt(written.flat().reduce((sum, one) => sum + squares(one), 0))) }),
  };
}

const squares = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0);
