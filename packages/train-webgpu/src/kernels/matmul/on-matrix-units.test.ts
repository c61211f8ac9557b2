import { describe, expect, it } from "vitest";
import { fromFloat32 } from "../../formats/safetensors/convert.ts";
import { allocatePacked, readPacked, writePacked } from "../../model/packed-weights.ts";
import { createExecutor } from "../../plan/executor.ts";
import { createTape } from "../../plan/tape.ts";
import { read } from "../../plan/upload.ts";
import { matrixDeviceOrSkip } from "../../testing/device.ts";
import { expectClose, normals } from "../../testing/numbers.ts";
import { noSizes, runOps, tensor } from "../../testing/tape.ts";
import { halvesReference } from "../halves/halves.reference.ts";
import { matmulReference } from "./matmul.reference.ts";
import { linear, type Product, product } from "./matmul.ts";
import { matrixUnitFor } from "./on-matrix-units.ts";

/** A matrix rounded by rows of k, whichever way it is stored. */
function roundedBy(x: Float32Array, rows: number, k: number, holdsK: boolean): Float64Array {
  if (holdsK) return halvesReference(x, rows, k);
  const turned = halvesReference(
    Float32Array.from(x, (_, i) => x[(i % k) * rows + Math.floor(i / k)]!),
    rows,
    k,
  );
  return turned.map((_, i) => turned[(i % rows) * k + Math.floor(i / rows)]!);
}

const awkward = [
  [65, 66, 68],
  [70, 129, 100],
  [130, 67, 260],
] as const;

describe("matmul on matrix units", () => {
  for (const layout of ["nn", "nt", "tn"] as const) {
    it(`${layout} equals the float64 reference of the rounded operands, with alpha, accumulation, residual and strides`, async (context) => {
      const device = await matrixDeviceOrSkip(context);
      for (const [m, n, k] of awkward) {
        const [a, b, before] = [normals(m * k, 1, 1e-6), normals(k * n, 2, 1e4), normals(m * n, 3, 0.01)];
        const product64 = matmulReference(
          layout,
          roundedBy(a, m, k, layout !== "tn"),
          roundedBy(b, n, k, layout === "nt"),
          m,
          n,
          k,
        );
        const expected = product64.map((value, i) => 0.5 * value + before[i]!);
        const shape = { m: () => m, n: () => n, k: () => k, most: { m, n, k }, alpha: () => 0.5 };
        const operands = { layout, a: tensor(device, "a", a), b: tensor(device, "b", b) };
        for (const way of ["accumulate", "residual"]) {
          const c = tensor(device, "c", before);
          const tape = createTape();
          product(tape, device, {
            ...operands,
            ...shape,
            c,
            ...(way === "residual" ? { residual: tensor(device, "r", before) } : { accumulate: () => 1 }),
          });
          expect(tape.dispatches.at(-1)!.kernel.name).toMatch(/^matmul matrix/);
          using executor = await createExecutor(device, { all: tape.dispatches });
          executor.run("all", noSizes);
          const [actual] = await read(device, [{ tensor: c, length: m * n }]);
          expectClose(actual!, expected, 3e-6, `${layout} ${m}x${n}x${k} ${way}`);
        }
      }
    });
  }

  it("takes packed weights, and slabs of them", async (context) => {
    const device = await matrixDeviceOrSkip(context);
    const [m, outputs, inputs] = [70, 328, 128];
    for (const format of ["bf16", "nf4"] as const) {
      const b = allocatePacked(device, "b", outputs * inputs, format);
      writePacked(device, b, fromFloat32(normals(outputs * inputs, 2), "F32"), "F32", 0);
      const values = await readPacked(device, b, outputs * inputs);
      const [x, dy] = [normals(m * inputs, 1), normals(m * outputs, 3)];
      const y = matmulReference(
        "nt",
        halvesReference(x, m, inputs),
        halvesReference(values, outputs, inputs),
        m,
        outputs,
        inputs,
      );
      const dx = matmulReference(
        "nn",
        halvesReference(dy, m, outputs),
        roundedBy(values, inputs, outputs, false),
        m,
        inputs,
        outputs,
      );
      const limited = { ...device, maxBindingBytes: 64 * 1024 };
      const run = async (target: typeof device, spec: Product, length: number): Promise<Float32Array> => {
        const tape = createTape();
        product(tape, target, spec);
        using executor = await createExecutor(device, { all: tape.dispatches });
        executor.run("all", noSizes);
        return (await read(device, [{ tensor: spec.c, length }]))[0]!;
      };
      const [yTensor, dxTensor] = [
        tensor(device, "y", new Float32Array(m * outputs)),
        tensor(device, "dx", new Float32Array(m * inputs)),
      ];
      const forward = { layout: "nt", a: tensor(device, "x", x), b, c: yTensor } as const;
      const counts = { m: () => m, n: () => outputs, k: () => inputs, most: { m, n: outputs, k: inputs } };
      expectClose(await run(device, { ...forward, ...counts }, y.length), y, 3e-6, `${format} y`);
      if (format === "bf16") expectClose(await run(limited, { ...forward, ...counts }, y.length), y, 3e-6, "slabs of y");
      const back = { m: () => m, n: () => inputs, k: () => outputs, most: { m, n: inputs, k: outputs } };
      const backward = { layout: "nn", a: tensor(device, "dy", dy), b, c: dxTensor } as const;
      expectClose(await run(device, { ...backward, ...back }, dx.length), dx, 3e-6, `${format} dx`);
    }
  });

  it("linear and its gradients stay within what 11 bits allow, also where gradients are below the smallest half float", async (context) => {
    const device = await matrixDeviceOrSkip(context);
    const [rows, inputs, outputs] = [72, 80, 88];
    const [x, w, dy] = [normals(rows * inputs, 1), normals(outputs * inputs, 2), normals(rows * outputs, 3, 1e-9)];
    const tensors = [x, w].map((data, i) => tensor(device, "xw"[i]!, data, true));
    const shape = { rows: () => rows, maxRows: rows, inputs, outputs };
    const { output, gradients } = await runOps(device, {}, (tape) => linear(tape, device, tensors[0]!, tensors[1]!, shape), {
      outputLength: rows * outputs,
      outputGradient: dy,
      inputs: tensors,
    });
    const scaled = (values: ArrayLike<number>): Float64Array => Float64Array.from(values, (value) => value * 1e9);
    expectClose(output, matmulReference("nt", x, w, rows, outputs, inputs), 1e-3, "y");
    expectClose(scaled(gradients[0]!), scaled(matmulReference("nn", dy, w, rows, inputs, outputs)), 1e-3, "dx");
    expectClose(scaled(gradients[1]!), scaled(matmulReference("tn", dy, x, outputs, inputs, rows)), 1e-3, "dw");
  });

  it("is used for large products of known size alone", () => {
    const target = { lanes: 32, adapterClass: "matrix", matrixUnit: 16, maxBindingBytes: 2 ** 27 } as const;
    const t = { name: "t", bytes: 4, needsGradient: false };
    const counts = { layout: "nt", a: t, b: t, c: t, m: () => 1, n: () => 1, k: () => 1 } as const;
    expect(matrixUnitFor(target, { ...counts, most: { m: 65, n: 65, k: 65 } })).toBe(16);
    // Rows of a batch decide nothing, but for generation's.
    expect(matrixUnitFor(target, { ...counts, most: { m: 4, n: 65, k: 65 } })).toBe(16);
    expect(matrixUnitFor(target, { ...counts, layout: "tn", most: { m: 65, n: 65, k: 4 } })).toBe(16);
    expect(matrixUnitFor(target, { ...counts, most: { m: 4, n: 65, k: 65 }, maxRows: 4 })).toBeUndefined();
    expect(matrixUnitFor(target, { ...counts, most: { m: 512, n: 4096, k: 16 } })).toBeUndefined();
    expect(matrixUnitFor(target, { ...counts, most: { m: 512, n: 16, k: 4096 } })).toBeUndefined();
    expect(matrixUnitFor(target, counts)).toBeUndefined();
    const { matrixUnit: _, ...tile } = { ...target, adapterClass: "tile" as const };
    expect(matrixUnitFor(tile, { ...counts, most: { m: 512, n: 512, k: 512 } })).toBeUndefined();
  });
});
