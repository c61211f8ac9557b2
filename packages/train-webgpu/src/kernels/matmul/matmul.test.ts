import { describe, it } from "vitest";
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
] as const;

describe("matmul", () => {
  for (const layout of ["nn", "nt", "tn"] as const) {
    it(`${layout} equals the float64 reference at awkward sizes, with alpha and accumulation`, async (context) => {
      const device = await deviceOrSkip(context);
      for (const target of [device, portable(device)]) {
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
