import type { Device } from "@zephyr/train-webgpu";
import { attention, attentionTiles, tileRows } from "../../packages/train-webgpu/src/kernels/attention/attention.ts";
import type { Layout } from "../../packages/train-webgpu/src/kernels/matmul/broadcast.wgsl.ts";
import { product } from "../../packages/train-webgpu/src/kernels/matmul/matmul.ts";
import { createExecutor } from "../../packages/train-webgpu/src/plan/executor.ts";
import { createTape, type Tape } from "../../packages/train-webgpu/src/plan/tape.ts";
import type { Sizes, Tensor } from "../../packages/train-webgpu/src/plan/tensor.ts";
import { read } from "../../packages/train-webgpu/src/plan/upload.ts";
import { noSizes, tensor } from "../../packages/train-webgpu/src/testing/tape.ts";
import { uniform } from "./clock.mjs";
import { type Measurement, type Timing, time } from "./measure.ts";
import type { AttentionSize } from "./settings.ts";

/** C = A B, A B^T or A^T B of square float32 matrices. */
export async function timeMatmul(device: Device, layout: Layout, size: number, rounds: number): Promise<Measurement> {
  if (size % 4 !== 0)
    throw new RangeError(`timeMatmul: the size is ${size}; the kernel sums over k in fours, give a multiple of 4`);
  using operands = createOperands(device);
  const [a, b, c] = ["a", "b", "c"].map((name, i) => operands.add(name, uniform(size * size, i + 1))) as [Tensor, Tensor, Tensor];
  const tape = createTape();
  const count = () => size;
  product(tape, device, { layout, a, b, c, m: count, n: count, k: count, most: { m: size, n: size, k: size } });
  return await timeTape(device, tape, c, noSizes, `matmul_${size}_${layout}`, { rounds, flops: 2 * size ** 3 });
}

/** Causal attention over B sequences of T tokens laid end to end; backward from an output gradient of ones. */
export async function timeAttention(
  device: Device,
  direction: "fwd" | "fwdbwd",
  { sequences, heads, length, headDim }: AttentionSize,
  rounds: number,
): Promise<Measurement> {
  const backward = direction === "fwdbwd";
  const tokens = sequences * length;
  const elements = tokens * heads * headDim;
  using operands = createOperands(device);
  const [q, k, v] = ["q", "k", "v"].map((name, i) => operands.add(name, uniform(elements, i + 1), backward)) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const tileData = attentionTiles(
    Uint32Array.from({ length: sequences + 1 }, (_, s) => s * length),
    tileRows(device, headDim),
  );
  const tiles = operands.add("tiles", tileData);
  const tape = createTape();
  const shape = { heads, keyValueHeads: heads, headDim, maxTokens: tokens };
  const output = attention(tape, device, q, k, v, tiles, shape);
  if (backward) {
    tape.seedGradient(output, operands.add("d output", new Float32Array(elements).fill(1)));
    tape.backward();
  }
  const sizes = { ...noSizes, tokens, tiles: tileData.length / 4 };
  const flops = (backward ? 14 : 4) * sequences * heads * length ** 2 * headDim;
  const name = `attn_${direction}_${[sequences, heads, length, headDim]}`;
  return await timeTape(device, tape, output, sizes, name, { rounds, flops });
}

/** Times the launches of a tape, from the first command to one number of `output` read back behind all of them. */
async function timeTape(
  device: Device,
  tape: Tape,
  output: Tensor,
  sizes: Sizes,
  name: string,
  timing: Timing,
): Promise<Measurement> {
  using executor = await createExecutor(device, { all: tape.dispatches }, [output]);
  return await time(name, timing, async () => {
    executor.run("all", sizes);
    await read(device, [{ tensor: output, length: 1 }]);
    return undefined;
  });
}

interface Operands extends Disposable {
  add(...operand: Parameters<typeof tensor> extends [Device, ...infer Rest] ? Rest : never): Tensor;
}

/** Tensors that are freed together. */
export function createOperands(device: Device): Operands {
  const tensors: Tensor[] = [];
  return {
    add(...operand) {
      const added = tensor(device, ...operand);
      tensors.push(added, ...(added.gradient ? [added.gradient] : []));
      return added;
    },
    [Symbol.dispose]() {
      for (const { place } of tensors) place?.buffer.destroy();
    },
  };
}
