import { describe, expect, it } from "vitest";
import type { Device } from "../../device/request-device.ts";
import { fromFloat32, toFloat32 } from "../../formats/safetensors/convert.ts";
import { allocatePacked, readPacked, writePacked } from "../../model/packed-weights.ts";
import { createExecutor } from "../../plan/executor.ts";
import { bytesOf } from "../../plan/slabs.ts";
import { createTape } from "../../plan/tape.ts";
import type { StorageFormat, Tensor } from "../../plan/tensor.ts";
import { allocate, read, write } from "../../plan/upload.ts";
import { deviceOrSkip, portable } from "../../testing/device.ts";
import { expectClose, normals } from "../../testing/numbers.ts";
import { noSizes, tensor } from "../../testing/tape.ts";
import { unpack } from "../unpack/unpack.ts";
import { matmulReference } from "./matmul.reference.ts";
import { type Product, product } from "./matmul.ts";

/** A matrix in a storage format, and the numbers that it then holds. */
async function packed(device: Device, format: StorageFormat, data: Float32Array<ArrayBuffer>): Promise<[Tensor, Float32Array]> {
  if (format === "f16") {
    const halves = fromFloat32(data, "F16");
    const raw = allocate(device, "b", bytesOf("f16", data.length));
    write(device, raw, new Uint32Array(halves.buffer));
    return [{ ...raw, format }, toFloat32(halves, "F16")];
  }
  const b = allocatePacked(device, "b", data.length, format);
  writePacked(device, b, fromFloat32(data, "F32"), "F32", 0);
  return [b, await readPacked(device, b, data.length)];
}

const sizes = [
  [1, 8, 8],
  [7, 65, 24],
  [17, 33, 136],
  [5, 200, 64],
] as const;

async function run(device: Device, spec: Product, length: number): Promise<Float32Array> {
  const tape = createTape();
  product(tape, device, spec);
  using executor = await createExecutor(device, { all: tape.dispatches });
  executor.run("all", noSizes);
  return (await read(device, [{ tensor: spec.c, length }]))[0]!;
}

describe("matmul with a packed B", () => {
  for (const format of ["bf16", "f16", "nf4"] as const) {
    it(`${format}: A B^T (+ residual) and A B equal the float64 reference of the numbers that B holds`, async (context) => {
      const device = await deviceOrSkip(context);
      // NF4 has the most code to read an element, so it stands for all formats where there are no subgroups.
      for (const target of format === "nf4" ? [device, portable(device)] : [device]) {
        for (const [m, outputs, inputs] of sizes) {
          const [b, values] = await packed(device, format, normals(outputs * inputs, 2));
          const [x, dy, residual] = [normals(m * inputs, 1), normals(m * outputs, 3), normals(m * outputs, 4)];
          const y = matmulReference("nt", x, values, m, outputs, inputs).map((v, i) => v + residual[i]!);
          const c = tensor(device, "y", new Float32Array(m * outputs));
          const counts = { m: () => m, n: () => outputs, k: () => inputs };
          const forward = { layout: "nt", a: tensor(device, "x", x), b, c, ...counts } as const;
          expectClose(await run(target, { ...forward, residual: tensor(device, "r", residual) }, y.length), y, 3e-6, "y");
          if (outputs % 4 !== 0) continue;
          const dx = matmulReference("nn", dy, values, m, inputs, outputs);
          const back = { m: () => m, n: () => inputs, k: () => outputs };
          const dxTensor = tensor(device, "dx", new Float32Array(m * inputs));
          const backward = { layout: "nn", a: tensor(device, "dy", dy), b, c: dxTensor, ...back } as const;
          expectClose(await run(target, backward, dx.length), dx, 3e-6, "dx");
        }
      }
    });

    it(`${format}: unpacked, it holds the same numbers, also a slab at a time`, async (context) => {
      const device = await deviceOrSkip(context);
      const [rows, columns] = [4107, 72];
      const [b, values] = await packed(device, format, normals(rows * columns, 5));
      for (const maxBindingBytes of [device.maxBindingBytes, 512 * 1024]) {
        const y = tensor(device, "y", new Float32Array(rows * columns));
        const tape = createTape();
        unpack(tape, device, b, y, columns);
        expect(tape.dispatches.length).toBe(1);
        tape.dispatches.length = 0;
        unpack(tape, { ...device, maxBindingBytes }, b, y, columns);
        using executor = await createExecutor({ ...device, maxBindingBytes }, { all: tape.dispatches });
        executor.run("all", noSizes);
        expect((await read(device, [{ tensor: y, length: rows * columns }]))[0]).toEqual(values);
      }
    });
  }
});

describe("a product whose matrix is beyond the binding limit", () => {
  for (const format of ["f32", "bf16", "nf4"] as const) {
    it(`${format}: is computed slab by slab, to the same numbers`, async (context) => {
      const device = await deviceOrSkip(context);
      const [m, outputs, inputs] = [5, 1036, 64];
      const [b, values] = await packed(device, format, normals(outputs * inputs, 2));
      const limited = { ...device, maxBindingBytes: Math.max(24 * 1024, Math.floor(b.bytes / 3)) };
      const [x, dy, before] = [normals(m * inputs, 1), normals(m * outputs, 3), normals(m * outputs, 4)];
      const y = matmulReference("nt", x, values, m, outputs, inputs);
      const counts = { m: () => m, n: () => outputs, k: () => inputs };
      const c = tensor(device, "y", before);
      const forward = { layout: "nt", a: tensor(device, "x", x), b, c, ...counts } as const;
      const withResidual = { ...forward, residual: tensor(device, "residual", before) };
      const added = y.map((value, i) => value + before[i]!);
      expectClose(await run(limited, { ...forward, accumulate: () => 1 }, y.length), added, 3e-6, "y, accumulated");
      expectClose(await run(limited, withResidual, y.length), added, 3e-6, "y + residual");
      expectClose(await run(limited, forward, y.length), y, 3e-6, "y");
      const start = normals(m * inputs, 6);
      const dx = matmulReference("nn", dy, values, m, inputs, outputs).map((value, i) => 0.5 * value + start[i]!);
      const back = { m: () => m, n: () => inputs, k: () => outputs, alpha: () => 0.5, accumulate: () => 1 };
      const dxTensor = tensor(device, "dx", start);
      const backward = { layout: "nn", a: tensor(device, "dy", dy), b, c: dxTensor, ...back } as const;
      expectClose(await run(limited, backward, dx.length), dx, 3e-6, "dx");
    });
  }

  it("sums a weight's gradient, and a merged adapter, into slabs of rows", async (context) => {
    const device = await deviceOrSkip(context);
    const [tokens, outputs, inputs] = [12, 520, 64];
    const limited = { ...device, maxBindingBytes: 32 * 1024 };
    const [dy, x, before] = [normals(tokens * outputs, 1), normals(tokens * inputs, 2), normals(outputs * inputs, 3)];
    const dw = matmulReference("tn", dy, x, outputs, inputs, tokens).map((value, i) => value + before[i]!);
    const counts = { m: () => outputs, n: () => inputs, k: () => tokens, accumulate: () => 1 };
    const c = tensor(device, "dw", before);
    const spec = { layout: "tn", a: tensor(device, "dy", dy), b: tensor(device, "x", x), c, ...counts } as const;
    expectClose(await run(limited, spec, dw.length), dw, 3e-6, "dw");
    const [loraB, loraA] = [normals(outputs * 4, 4), normals(4 * inputs, 5)];
    const merged = matmulReference("nn", loraB, loraA, outputs, inputs, 4).map((value, i) => value + before[i]!);
    const into = tensor(device, "w", before);
    const merge = { layout: "nn", a: tensor(device, "B", loraB), b: tensor(device, "A", loraA), c: into } as const;
    expectClose(await run(limited, { ...merge, ...counts, k: () => 4 }, merged.length), merged, 3e-6, "merged");
  });
});
