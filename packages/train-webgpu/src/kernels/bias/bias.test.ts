import { describe, expect, it } from "vitest";
import type { Device } from "../../device/request-device.ts";
import { createExecutor } from "../../plan/executor.ts";
import { createTape } from "../../plan/tape.ts";
import { read, write } from "../../plan/upload.ts";
import { deviceOrSkip, portable } from "../../testing/device.ts";
import { expectClose, normals } from "../../testing/numbers.ts";
import { noSizes, tensor } from "../../testing/tape.ts";
import { addBias } from "./bias.ts";

type Floats = Float32Array<ArrayBuffer>;

/** y + bias, and the bias's gradient after one run for each entry of `accumulate`. */
async function run(
  device: Device,
  { y, bias, dy }: { y: Floats; bias: Floats; dy: Floats },
  accumulate: number[],
  tokens = y.length / bias.length,
): Promise<{ output: Floats; dbias: Floats }> {
  const width = bias.length;
  const [rows, target] = [tensor(device, "y", y), tensor(device, "bias", bias, true)];
  write(device, target.gradient!, new Float32Array(width).fill(Number.NaN));
  const tape = createTape();
  addBias(tape, device, rows, target, (s) => s.tokens, width);
  tape.seedGradient(rows, tensor(device, "dy", dy));
  tape.backward();
  using executor = await createExecutor(device, { all: tape.dispatches });
  for (const value of accumulate) {
    write(device, rows, y);
    executor.run("all", { ...noSizes, tokens, accumulate: value });
  }
  const [output, dbias] = await read(device, [
    { tensor: rows, length: y.length },
    { tensor: target.gradient!, length: width },
  ]);
  return { output: output!, dbias: dbias! };
}

describe("bias", () => {
  for (const [rows, width] of [
    [1, 1],
    [7, 7],
    [3, 63],
    [64, 64],
    [5, 65],
    [257, 2],
    [2, 257],
  ] as const) {
    it(`adds to every row of [${rows}, ${width}] and sums the gradient over the rows`, async (context) => {
      const device = await deviceOrSkip(context);
      const data = { y: normals(rows * width, 1), bias: normals(width, 2), dy: normals(rows * width, 3) };
      const sums = new Float64Array(width);
      data.dy.forEach((value, i) => {
        sums[i % width]! += value;
      });
      for (const target of [device, portable(device)]) {
        const { output, dbias } = await run(target, data, [0]);
        expect([...output]).toEqual([...data.y.map((value, i) => value + data.bias[i % width]!)]);
        expectClose(dbias, sums, 2e-6, "d bias");
      }
    });
  }

  it("adds up the gradients of micro-batches and starts over at the next step", async (context) => {
    const device = await deviceOrSkip(context);
    const data = { y: normals(6, 1), bias: normals(2, 2), dy: Float32Array.of(1, 10, 2, 20, 3, 30) };
    expect([...(await run(device, data, [0, 1, 1])).dbias]).toEqual([18, 180]);
    expect([...(await run(device, data, [0, 1, 0])).dbias]).toEqual([6, 60]);
  });

  it("leaves the rows behind the batch alone and out of the sum", async (context) => {
    const device = await deviceOrSkip(context);
    const data = { y: Float32Array.of(1, 2, 3, 4, 5, 6), bias: Float32Array.of(10, 20), dy: Float32Array.of(1, 2, 4, 8, 16, 32) };
    const { output, dbias } = await run(device, data, [0], 2);
    expect([...output]).toEqual([11, 22, 13, 24, 5, 6]);
    expect([...dbias]).toEqual([5, 10]);
  });

  it("records nothing backward for a frozen bias", async (context) => {
    const device = await deviceOrSkip(context);
    const tape = createTape();
    const y = tensor(device, "y", normals(6, 1));
    addBias(tape, device, y, tensor(device, "bias", normals(2, 2)), () => 3, 2);
    tape.seedGradient(y, tensor(device, "dy", normals(6, 3)));
    tape.backward();
    expect(tape.dispatches.map(({ kernel }) => kernel.name)).toEqual(["add bias"]);
  });

  it("adds entries of 1e4 and of 1e30 without overflow", async (context) => {
    const device = await deviceOrSkip(context);
    const data = { y: Float32Array.of(1e4, 1e30), bias: Float32Array.of(-1e4, 1e30), dy: Float32Array.of(1e30, -1e30) };
    const { output, dbias } = await run(device, data, [0]);
    expect([...output]).toEqual([0, Math.fround(2 * Math.fround(1e30))]);
    expect([...dbias]).toEqual([...data.dy]);
  });
});
