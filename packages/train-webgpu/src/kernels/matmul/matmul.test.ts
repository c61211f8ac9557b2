import { describe, expect, it } from "vitest";
import type { Device } from "../../device/request-device.ts";
import { createExecutor } from "../../plan/executor.ts";
import { createTape } from "../../plan/tape.ts";
import { read } from "../../plan/upload.ts";
import { deviceOrSkip, portable } from "../../testing/device.ts";
import { expectClose, normals } from "../../testing/numbers.ts";
import { noSizes, runOps, tensor } from "../../testing/tape.ts";
import { matmulReference } from "./matmul.reference.ts";
import { linear, product } from "./matmul.ts";

const awkward = [
  [1, 1, 4],
  [7, 63, 8],
  [16, 32, 64],
  [17, 33, 12],
  [64, 65, 256],
  [257, 7, 68],
  [130, 131, 20],
] as const;

/** Broadcasting with subgroups and without, and tiles in workgroup memory. */
const kernels = (device: Device): Device[] => [device, { ...device, lanes: 1 }, portable(device)];

describe("matmul", () => {
  for (const layout of ["nn", "nt", "tn"] as const) {
    it(`${layout} equals the float64 reference at awkward sizes, with alpha and accumulation`, async (context) => {
      const device = await deviceOrSkip(context);
      for (const target of kernels(device)) {
        for (const [m, n, k] of awkward) {
          const [a, b, before] = [normals(m * k, 1), normals(k * n, 2), normals(m * n, 3)];
          const expected = matmulReference(layout, a, b, m, n, k).map((value, i) => 0.5 * value + before[i]!);
          const c = tensor(target, "c", before);
          const tape = createTape();
          const counts = { m: () => m, n: () => n, k: () => k, alpha: () => 0.5, accumulate: () => 1 };
          product(tape, target, { layout, a: tensor(target, "a", a), b: tensor(target, "b", b), c, ...counts });
          using executor = await createExecutor(target, { all: tape.dispatches });
          executor.run("all", noSizes);
          const [actual] = await read(target, [{ tensor: c, length: m * n }]);
          expectClose(actual!, expected, 3e-6, `${layout} ${m}x${n}x${k}`);
        }
      }
    });
  }

  it("reads and writes rows from an offset, by strides of its own, and touches nothing else", async (context) => {
    const device = await deviceOrSkip(context);
    const [m, n, k] = [5, 6, 8];
    // Stored rows and columns of A, B and C for each layout; offsets 2, 3 and 1 are rows as stored, strides exceed the columns.
    const stored = { nn: [m, k, k, n], nt: [m, k, n, k], tn: [k, m, k, n] } as const;
    for (const layout of ["nn", "nt", "tn"] as const) {
      const [aRows, aColumns, bRows, bColumns] = stored[layout];
      const [aStride, bStride, cStride] = [aColumns + (layout === "tn" ? 3 : 4), bColumns + (layout === "nt" ? 4 : 1), n + 2];
      const [a, b, before] = [
        normals((aRows + 2) * aStride, 1),
        normals((bRows + 3) * bStride, 2),
        normals((m + 2) * cStride, 3),
      ];
      const block = (data: Float32Array, first: number, rows: number, columns: number, stride: number) =>
        Array.from({ length: rows * columns }, (_, i) => data[(first + Math.floor(i / columns)) * stride + (i % columns)]!);
      const blockA = block(a, 2, aRows, aColumns, aStride);
      const c = matmulReference(layout, blockA, block(b, 3, bRows, bColumns, bStride), m, n, k);
      const expected = Float64Array.from(before);
      c.forEach((value, i) => {
        expected[(1 + Math.floor(i / n)) * cStride + (i % n)] = value;
      });
      for (const target of kernels(device)) {
        const output = tensor(target, "c", before);
        const tape = createTape();
        product(tape, target, {
          layout,
          a: tensor(target, "a", a),
          b: tensor(target, "b", b),
          c: output,
          m: () => m,
          n: () => n,
          k: () => k,
          strides: { a: aStride, b: bStride, c: cStride },
          rowOffset: { a: () => 2, b: () => 3, c: () => 1 },
        });
        using executor = await createExecutor(target, { all: tape.dispatches });
        executor.run("all", noSizes);
        const [actual] = await read(target, [{ tensor: output, length: before.length }]);
        expectClose(actual!, expected, 3e-6, layout);
      }
    }
  });

  it("writes zeros for a sum of no products, adds nothing where it accumulates, and launches nothing for no rows", async (context) => {
    const device = await deviceOrSkip(context);
    const run = async (m: number, k: number, accumulate: number) => {
      const c = tensor(device, "c", Float32Array.of(1, 2, 3, 4));
      const [a, b] = [tensor(device, "a", normals(8, 1)), tensor(device, "b", normals(8, 2))];
      const tape = createTape();
      const counts = { m: () => m, n: () => 2, k: () => k, accumulate: () => accumulate };
      product(tape, device, { layout: "tn", a, b, c, ...counts });
      using executor = await createExecutor(device, { all: tape.dispatches });
      executor.run("all", noSizes);
      return [...(await read(device, [{ tensor: c, length: 4 }]))[0]!];
    };
    expect(await run(2, 0, 0)).toEqual([0, 0, 0, 0]);
    expect(await run(2, 0, 1)).toEqual([1, 2, 3, 4]);
    expect(await run(0, 4, 0)).toEqual([1, 2, 3, 4]);
  });

  it("launches as many workgroups as cover C, and no more", () => {
    const t = (name: string) => ({ name, bytes: 4, needsGradient: false });
    const grid = (target: Pick<Device, "lanes" | "adapterClass">, m: number, n: number, maxRows?: number) => {
      const tape = createTape();
      const counts = { m: () => m, n: () => n, k: () => 4, ...(maxRows !== undefined && { maxRows }) };
      product(tape, { ...target, maxBindingBytes: 2 ** 27 }, { layout: "nt", a: t("a"), b: t("b"), c: t("c"), ...counts });
      return tape.dispatches[0]!.grid(noSizes);
    };
    const software = (lanes: number) => ({ lanes, adapterClass: "software" }) as const;
    expect(grid(software(8), 16, 32)).toEqual([1, 1]);
    expect(grid(software(8), 17, 33)).toEqual([2, 2]);
    expect(grid(software(4), 33, 9)).toEqual([2, 3]);
    expect(grid(software(1), 9, 129)).toEqual([2, 3]);
    const gpu = { lanes: 32, adapterClass: "tile" } as const;
    expect(grid(gpu, 129, 4096)).toEqual([32, 2]);
    expect(grid(gpu, 129, 4097)).toEqual([33, 2]);
    expect(grid(gpu, 129, 16), "a narrow product").toEqual([1, 3]);
    expect(grid(gpu, 60, 4096, 60)).toEqual([64, 1]);
    expect(grid(gpu, 1, 129, 16), "few rows").toEqual([2, 1]);
  });

  it("linear with a residual and a low-rank update equals its definition, and so do all gradients", async (context) => {
    const device = await deviceOrSkip(context);
    const [rows, inputs, outputs, rank] = [12, 20, 24, 4];
    const [x, w, res, a, b, dy] = [
      normals(rows * inputs, 1),
      normals(outputs * inputs, 2),
      normals(rows * outputs, 3),
      normals(rank * inputs, 4),
      normals(outputs * rank, 5),
      normals(rows * outputs, 6),
    ];
    const scale = 0.25;
    const down = matmulReference("nt", x, a, rows, rank, inputs);
    const update = matmulReference("nt", down, b, rows, outputs, rank);
    const y = matmulReference("nt", x, w, rows, outputs, inputs).map((v, i) => v + res[i]! + scale * update[i]!);
    const dDown = matmulReference("nn", dy, b, rows, rank, outputs).map((v) => v * scale);
    const dxLow = matmulReference("nn", dDown, a, rows, inputs, rank);
    const dx = matmulReference("nn", dy, w, rows, inputs, outputs).map((v, i) => v + dxLow[i]!);
    const dw = matmulReference("tn", dy, x, outputs, inputs, rows);
    const da = matmulReference("tn", dDown, x, rank, inputs, rows);
    const db = matmulReference("tn", dy, down, outputs, rank, rows).map((v) => v * scale);
    const tensors = [x, w, a, b].map((data, i) => tensor(device, "xwab"[i]!, data, true));
    const residual = tensor(device, "residual", res);
    const shape = { rows: () => rows, maxRows: rows, inputs, outputs, residual };
    const lowRank = { a: tensors[2]!, b: tensors[3]!, rank, scale: () => scale };
    const { output, gradients } = await runOps(
      device,
      {},
      (tape) => linear(tape, device, tensors[0]!, tensors[1]!, { ...shape, lowRank }),
      {
        outputLength: rows * outputs,
        outputGradient: dy,
        inputs: tensors,
      },
    );
    expectClose(output, y, 3e-6, "y");
    [dx, dw, da, db].forEach((expected, i) => {
      expectClose(gradients[i]!, expected, 3e-6, `d ${"xwab"[i]}`);
    });
  });
});
