import { describe, expect, it } from "vitest";
import type { Device } from "../device/request-device.ts";
import { linear } from "../kernels/matmul/matmul.ts";
import { rmsNorm } from "../kernels/rms-norm/rms-norm.ts";
import { deviceOrSkip } from "../testing/device.ts";
import { expectClose, normals } from "../testing/numbers.ts";
import { noSizes, tensor } from "../testing/tape.ts";
import { createExecutor } from "./executor.ts";
import { createTape, type Tape } from "./tape.ts";
import type { Tensor } from "./tensor.ts";
import { read } from "./upload.ts";

const [ROWS, WIDTH] = [5, 8];

/** x + norm(x) W^T, the shape of half a transformer block. */
function residualBlock(tape: Tape, device: Device, x: Tensor, norm: Tensor, weight: Tensor): Tensor {
  const rows = () => ROWS;
  const normed = rmsNorm(tape, device, x, norm, { rows, maxRows: ROWS, width: WIDTH, eps: 1e-5 });
  return linear(tape, device, normed, weight, { rows, maxRows: ROWS, inputs: WIDTH, outputs: WIDTH, residual: x });
}

const identity = (factor: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: WIDTH * WIDTH }, (_, i) => (i % (WIDTH + 1) === 0 ? factor : 0));

const times = (tape: Tape, device: Device, x: Tensor, weight: Tensor, rows = 4): Tensor =>
  linear(tape, device, x, weight, { rows: () => rows, maxRows: rows, inputs: WIDTH, outputs: WIDTH });

describe("tape", () => {
  it("gives the same bits with checkpointed segments as without, for one more forward pass and less memory", async (context) => {
    const device = await deviceOrSkip(context);
    const run = async (checkpointing: boolean) => {
      const layers = Array.from({ length: 4 }, (_, layer) => ({
        norm: tensor(device, `norm ${layer}`, normals(WIDTH, 20 + layer), true),
        weight: tensor(device, `weight ${layer}`, normals(WIDTH * WIDTH, 10 + layer, 0.5), true),
      }));
      const x = tensor(device, "x", normals(ROWS * WIDTH, 1), true);
      const first = tensor(device, "first", normals(WIDTH * WIDTH, 3), true);
      const tape = createTape();
      let hidden = times(tape, device, x, first, ROWS);
      for (const { norm, weight } of layers) {
        const input = hidden;
        hidden = checkpointing
          ? tape.checkpoint((inner) => residualBlock(inner, device, input, norm, weight))
          : residualBlock(tape, device, input, norm, weight);
      }
      const forward = tape.dispatches.length;
      tape.seedGradient(hidden, tensor(device, "dy", normals(ROWS * WIDTH, 2)));
      tape.backward();
      using executor = await createExecutor(device, { all: tape.dispatches }, [hidden]);
      executor.run("all", noSizes);
      const wanted = [
        hidden,
        x.gradient!,
        first.gradient!,
        ...layers.flatMap(({ norm, weight }) => [norm.gradient!, weight.gradient!]),
      ];
      const lengths = [ROWS * WIDTH, ROWS * WIDTH, WIDTH * WIDTH, ...layers.flatMap(() => [WIDTH, WIDTH * WIDTH])];
      const values = await read(
        device,
        wanted.map((wantedTensor, i) => ({ tensor: wantedTensor, length: lengths[i]! })),
      );
      return { values, forward, all: tape.dispatches.length, bytes: executor.temporaryBytes };
    };
    const [plain, checkpointed] = [await run(false), await run(true)];
    expect(checkpointed.values).toEqual(plain.values);
    expect(plain.values.every((values) => values.some((value) => value !== 0))).toBe(true);
    expect(checkpointed.forward).toBe(plain.forward);
    expect(checkpointed.all).toBe(plain.all + plain.forward - 1);
    expect(checkpointed.bytes).toBeLessThan(plain.bytes);
  });

  it("sums the gradients of two consumers of a parameter, and of its micro-batches", async (context) => {
    const device = await deviceOrSkip(context);
    const [x, dy] = [tensor(device, "x", normals(4 * WIDTH, 1), true), normals(4 * WIDTH, 2)];
    const [two, three] = [tensor(device, "2", identity(2)), tensor(device, "3", identity(3))];
    const tape = createTape();
    const seed = tensor(device, "dy", dy);
    for (const weight of [two, three]) tape.seedGradient(times(tape, device, x, weight), seed);
    tape.backward();
    using executor = await createExecutor(device, { all: tape.dispatches });
    for (const [accumulate, factor] of [
      [0, 5],
      [1, 10],
      [0, 5],
    ] as const) {
      executor.run("all", { ...noSizes, accumulate });
      const [dx] = await read(device, [{ tensor: x.gradient!, length: 4 * WIDTH }]);
      expectClose(
        dx!,
        dy.map((value) => factor * value),
        1e-6,
        `dx with accumulate ${accumulate}`,
      );
    }
  });

  it("writes a temporary's first gradient and adds the next, in every micro-batch", async (context) => {
    const device = await deviceOrSkip(context);
    const x = tensor(device, "x", normals(4 * WIDTH, 1), true);
    const tape = createTape();
    const middle = times(tape, device, x, tensor(device, "1", identity(1)));
    const dy = normals(4 * WIDTH, 2);
    for (const factor of [2, 3]) {
      tape.seedGradient(times(tape, device, middle, tensor(device, `${factor}`, identity(factor))), tensor(device, "dy", dy));
    }
    tape.backward();
    using executor = await createExecutor(device, { all: tape.dispatches });
    for (const accumulate of [0, 1]) executor.run("all", { ...noSizes, accumulate });
    const [dx] = await read(device, [{ tensor: x.gradient!, length: 4 * WIDTH }]);
    expectClose(
      dx!,
      dy.map((value) => 10 * value),
      1e-6,
    );
  });

  it("launches nothing for the gradient of frozen inputs, nor for what only they feed", async (context) => {
    const device = await deviceOrSkip(context);
    const [frozen, weight] = [tensor(device, "x", normals(4 * WIDTH, 1)), tensor(device, "w", identity(1))];
    const trained = tensor(device, "trained", identity(2), true);
    const tape = createTape();
    const below = times(tape, device, frozen, weight);
    const output = times(tape, device, below, trained);
    const forward = tape.dispatches.length;
    expect([below.needsGradient, output.needsGradient]).toEqual([false, true]);
    tape.seedGradient(output, tensor(device, "dy", normals(4 * WIDTH, 2)));
    tape.backward();
    const written = tape.dispatches.slice(forward).map(({ tensors }) => tensors[2]);
    expect(written).toEqual([trained.gradient]);
  });

  it("launches nothing backward where no gradient reached the output", async (context) => {
    const device = await deviceOrSkip(context);
    const tape = createTape();
    const x = tensor(device, "x", normals(4 * WIDTH, 1), true);
    tape.checkpoint((inner) => times(inner, device, x, tensor(device, "w", identity(1))));
    times(tape, device, x, tensor(device, "w", identity(1)));
    const forward = tape.dispatches.length;
    tape.backward();
    expect(tape.dispatches.length).toBe(forward);
  });

  it("calls backward functions last recorded first, once", () => {
    const tape = createTape();
    const called: number[] = [];
    for (const index of [1, 2, 3]) tape.onBackward(() => void called.push(index));
    tape.backward();
    tape.backward();
    expect(called).toEqual([3, 2, 1]);
  });

  it("hands a residual's gradient on as it is, and refuses where it has one already", () => {
    const tape = createTape();
    const from: Tensor = { name: "from", bytes: 256, needsGradient: true };
    const to: Tensor = { name: "to", bytes: 256, needsGradient: true };
    const frozen: Tensor = { name: "frozen", bytes: 256, needsGradient: false };
    const gradient: Tensor = { name: "gradient", bytes: 256, needsGradient: false };
    tape.passGradient(from, to);
    expect(tape.gradientOf(to)).toBeUndefined();
    tape.seedGradient(from, gradient);
    tape.passGradient(from, frozen);
    expect(tape.gradientOf(frozen)).toBeUndefined();
    tape.passGradient(from, to);
    expect(tape.gradientOf(to)).toBe(gradient);
    expect(() => tape.passGradient(from, to)).toThrow('tape: "to" already has a gradient; a residual must be its last use');
  });

  it("aligns temporaries to 256 bytes and lets gradients flow where an input wants one", () => {
    const tape = createTape();
    const trained: Tensor = { name: "w", bytes: 256, needsGradient: true };
    expect([0, 1, 256, 257].map((bytes) => tape.temporary("t", bytes).bytes)).toEqual([256, 256, 256, 512]);
    expect(tape.temporary("t", 4, [tape.temporary("u", 4), trained]).needsGradient).toBe(true);
    expect(tape.temporary("t", 4, [tape.temporary("u", 4)]).needsGradient).toBe(false);
  });
});
