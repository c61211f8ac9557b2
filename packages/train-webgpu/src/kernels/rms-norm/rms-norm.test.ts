import { describe, expect, it } from "vitest";
import { createExecutor } from "../../plan/executor.ts";
import { createTape } from "../../plan/tape.ts";
import { read } from "../../plan/upload.ts";
import { deviceOrSkip, portable } from "../../testing/device.ts";
import { expectClose, finiteDifferences, normals } from "../../testing/numbers.ts";
import { noSizes, runOps, tensor } from "../../testing/tape.ts";
import { rmsNormGradientReference, rmsNormReference } from "./rms-norm.reference.ts";
import { rmsNorm } from "./rms-norm.ts";

const sum = (values: ArrayLike<number>, weights: ArrayLike<number>): number =>
  Array.from(values).reduce((s, v, i) => s + v * weights[i]!, 0);

describe("rms-norm", () => {
  for (const [rows, width] of [
    [1, 1],
    [7, 7],
    [3, 63],
    [64, 64],
    [5, 65],
    [2, 257],
    [257, 3],
  ] as const) {
    it(`equals the float64 reference, forward and backward, for [${rows}, ${width}]`, async (context) => {
      const device = await deviceOrSkip(context);
      const [x, weight, dy] = [normals(rows * width, 1), normals(width, 2), normals(rows * width, 3)];
      const expected = rmsNormReference(x, weight, rows, 1e-5);
      const gradient = rmsNormGradientReference(x, weight, dy, rows, 1e-5);
      for (const target of [device, portable(device)]) {
        const inputs = [tensor(target, "x", x, true), tensor(target, "weight", weight, true)];
        const shape = { rows: () => rows, maxRows: rows, width, eps: 1e-5 };
        const { output, gradients } = await runOps(target, {}, (tape) => rmsNorm(tape, target, inputs[0]!, inputs[1]!, shape), {
          outputLength: rows * width,
          outputGradient: dy,
          inputs,
        });
        expectClose(output, expected.y, 2e-6, "y");
        expectClose(gradients[0]!, gradient.dx, 2e-5, "dx");
        expectClose(gradients[1]!, gradient.dweight, 5e-6, "dweight");
      }
    });
  }

  it("has a reference whose gradient equals finite differences", () => {
    const [x, weight, dy] = [normals(21, 4), normals(7, 5), normals(21, 6)];
    const { dx, dweight } = rmsNormGradientReference(x, weight, dy, 3, 1e-5);
    const entries = [0, 6, 7, 20];
    expectClose(
      entries.map((i) => dx[i]!),
      finiteDifferences((moved) => sum(rmsNormReference(moved, weight, 3, 1e-5).y, dy), x, entries),
      1e-8,
    );
    expectClose(
      [...dweight],
      finiteDifferences((moved) => sum(rmsNormReference(x, moved, 3, 1e-5).y, dy), weight, [0, 1, 2, 3, 4, 5, 6]),
      1e-8,
    );
  });

  it("adds up the gradients of micro-batches, for x and for the weight, and starts over at the next step", async (context) => {
    const device = await deviceOrSkip(context);
    const [x, weight, dy] = [normals(35, 7), normals(7, 8), normals(35, 9)];
    const { dx, dweight } = rmsNormGradientReference(x, weight, dy, 5, 1e-5);
    const inputs = [tensor(device, "x", x, true), tensor(device, "weight", weight, true)];
    const shape = { rows: () => 5, maxRows: 5, width: 7, eps: 1e-5 };
    for (const [accumulate, times] of [
      [0, 1],
      [1, 2],
      [1, 3],
      [0, 1],
    ] as const) {
      const record = (tape: Parameters<typeof rmsNorm>[0]) => rmsNorm(tape, device, inputs[0]!, inputs[1]!, shape);
      const { gradients } = await runOps(device, { accumulate }, record, { outputLength: 35, outputGradient: dy, inputs });
      expectClose(
        gradients[0]!,
        dx.map((value) => times * value),
        2e-5,
        "dx",
      );
      expectClose(
        gradients[1]!,
        dweight.map((value) => times * value),
        5e-6,
        "dweight",
      );
    }
  });

  it("leaves out of every sum what a longer batch has left behind", async (context) => {
    const device = await deviceOrSkip(context);
    const [x, weight, dy] = [normals(35, 10), normals(7, 11), normals(35, 12)];
    const [input, scale] = [tensor(device, "x", x, true), tensor(device, "weight", weight, true)];
    const tape = createTape();
    const y = rmsNorm(tape, device, input, scale, { rows: (s) => s.tokens, maxRows: 5, width: 7, eps: 1e-5 });
    tape.seedGradient(y, tensor(device, "dy", dy));
    tape.backward();
    using executor = await createExecutor(device, { all: tape.dispatches }, [y]);
    for (const tokens of [5, 3]) executor.run("all", { ...noSizes, tokens });
    const [dx, dweight] = await read(device, [
      { tensor: input.gradient!, length: 35 },
      { tensor: scale.gradient!, length: 7 },
    ]);
    expectClose(dweight!, rmsNormGradientReference(x.slice(0, 21), weight, dy.slice(0, 21), 3, 1e-5).dweight, 5e-6, "dweight");
    expectClose(dx!, rmsNormGradientReference(x, weight, dy, 5, 1e-5).dx, 2e-5, "dx, of the longer batch behind row 3");
  });

  it("stays finite for a row of zeros and for entries of 1e4", async (context) => {
    const device = await deviceOrSkip(context);
    const x = Float32Array.from({ length: 128 }, (_, i) => (i < 64 ? 0 : 1e4));
    const inputs = [tensor(device, "x", x, true), tensor(device, "weight", new Float32Array(64).fill(1), true)];
    const shape = { rows: () => 2, maxRows: 2, width: 64, eps: 1e-5 };
    const { output } = await runOps(device, {}, (tape) => rmsNorm(tape, device, inputs[0]!, inputs[1]!, shape), {
      outputLength: 128,
    });
    expect(output[0]).toBe(0);
    expect(output[127]).toBeCloseTo(1, 5);
  });
});
