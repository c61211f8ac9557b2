import { describe, expect, it } from "vitest";
import type { Device } from "../../device/request-device.ts";
import { createExecutor } from "../../plan/executor.ts";
import { createTape } from "../../plan/tape.ts";
import { read } from "../../plan/upload.ts";
import { deviceOrSkip, gpuClass, portable } from "../../testing/device.ts";
import { expectClose, normals } from "../../testing/numbers.ts";
import { noSizes, tensor } from "../../testing/tape.ts";
import { isInParts } from "./in-parts.ts";
import { matmulReference } from "./matmul.reference.ts";
import { type Product, product } from "./matmul.ts";

async function run(device: Device, spec: Product, length: number): Promise<Float32Array> {
  const tape = createTape();
  product(tape, device, spec);
  expect(tape.dispatches.map(({ kernel }) => kernel.name)).toEqual([
    expect.stringMatching(/in parts$/),
    expect.stringContaining("add parts"),
  ]);
  using executor = await createExecutor(device, { all: tape.dispatches });
  executor.run("all", noSizes);
  return (await read(device, [{ tensor: spec.c, length }]))[0]!;
}

describe("a narrow product, in parts of k", () => {
  for (const [layout, m, n, k] of [
    ["nt", 70, 12, 1100],
    ["nn", 70, 16, 1100],
    ["tn", 16, 70, 516],
    ["tn", 70, 8, 40],
  ] as const) {
    it(`${layout} ${m}x${n}x${k} equals the float64 reference, with alpha and accumulation, and its bits do not depend on the largest batch`, async (context) => {
      const device = await deviceOrSkip(context);
      const [a, b, before] = [normals(m * k, 1), normals(k * n, 2), normals(m * n, 3)];
      const expected = matmulReference(layout, a, b, m, n, k).map((value, i) => 0.5 * value + before[i]!);
      for (const target of [gpuClass(device), portable(device)]) {
        const spec = (terms: number): Product => ({
          layout,
          a: tensor(target, "a", a),
          b: tensor(target, "b", b),
          c: tensor(target, "c", before),
          m: () => m,
          n: () => n,
          k: () => k,
          most: { m: m + 300, n, k: terms },
          alpha: () => 0.5,
          accumulate: () => 1,
        });
        const actual = await run(target, spec(k), m * n);
        expectClose(actual, expected, 3e-6, `${layout} ${m}x${n}x${k}`);
        if (layout === "tn") expect(await run(target, spec(k + 3000), m * n)).toEqual(actual);
      }
    });
  }

  it("is not for software adapters, wide products, short sums or residuals", () => {
    const t = { name: "t", bytes: 4, needsGradient: false };
    const gpu = { lanes: 32, adapterClass: "tile", maxBindingBytes: 2 ** 27 } as const;
    const spec = (layout: Product["layout"], m: number, n: number, k: number): Product => {
      return { layout, a: t, b: t, c: t, m: () => m, n: () => n, k: () => k, most: { m, n, k } };
    };
    expect(isInParts(gpu, spec("nt", 2048, 16, 4096))).toBe(true);
    expect(isInParts({ ...gpu, adapterClass: "software" }, spec("nt", 2048, 16, 4096))).toBe(false);
    expect(isInParts(gpu, spec("nt", 2048, 128, 4096))).toBe(false);
    expect(isInParts(gpu, spec("nt", 2048, 16, 512))).toBe(false);
    expect(isInParts(gpu, { ...spec("nt", 2048, 16, 4096), residual: t })).toBe(false);
    expect(isInParts(gpu, spec("tn", 16, 4096, 8))).toBe(true);
    expect(isInParts(gpu, spec("tn", 4096, 4096, 2048))).toBe(false);
  });
});
