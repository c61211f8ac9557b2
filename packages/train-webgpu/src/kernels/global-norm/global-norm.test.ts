import { describe, expect, it } from "vitest";
import type { Device } from "../../device/request-device.ts";
import { deviceOrSkip, portable } from "../../testing/device.ts";
import { expectClose, normals } from "../../testing/numbers.ts";
import { runOps, tensor } from "../../testing/tape.ts";
import { globalNormReference } from "./global-norm.reference.ts";
import { globalNorm } from "./global-norm.ts";

async function run(
  device: Device,
  gradients: Float32Array<ArrayBuffer>[],
  maxNorm: number,
): Promise<{ norm: number; clip: number }> {
  const tensors = gradients.map((data, index) => tensor(device, `gradient ${index}`, data));
  const { output } = await runOps(device, {}, (tape) => globalNorm(tape, device, tensors, maxNorm), { outputLength: 2 });
  return { norm: output[0]!, clip: output[1]! };
}

describe("global-norm", () => {
  for (const lengths of [[1], [7], [63, 64, 65], [257], [513, 1, 5000], Array.from({ length: 65 }, (_, i) => i + 1)]) {
    it(`equals the float64 reference for gradients of ${lengths.slice(0, 4)} elements`, async (context) => {
      const device = await deviceOrSkip(context);
      const gradients = lengths.map((length, index) => normals(length, index + 1));
      for (const target of [device, portable(device)]) {
        const actual = await run(target, gradients, 0.5);
        const expected = globalNormReference(gradients, 0.5);
        expectClose([actual.norm / expected.norm, actual.clip / expected.clip], [1, 1], 1e-6, "norm and clip over expected");
      }
    });
  }

  it("clips to maxNorm only what is longer, and nothing where maxNorm is 0", async (context) => {
    const device = await deviceOrSkip(context);
    const gradients = [Float32Array.of(3), Float32Array.of(0, -4)];
    expect((await run(device, gradients, 1)).clip).toBeCloseTo(1 / (5 + 1e-6), 6);
    expect(await run(device, gradients, 6)).toEqual({ norm: 5, clip: 1 });
    expect(await run(device, gradients, 0)).toEqual({ norm: 5, clip: 1 });
  });

  it("adds torch's 1e-6 to the norm that it divides by", async (context) => {
    const device = await deviceOrSkip(context);
    const { clip } = await run(device, [Float32Array.of(2e-6)], 1e-6);
    expect(clip).toBeCloseTo(1 / 3, 5);
  });

  it("is 0, clip 1, for a gradient of zeros", async (context) => {
    const device = await deviceOrSkip(context);
    expect(await run(device, [new Float32Array(65)], 1)).toEqual({ norm: 0, clip: 1 });
  });

  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e30]) {
    it(`clips to exactly 0 where a gradient holds ${bad}, whose square is not finite`, async (context) => {
      const device = await deviceOrSkip(context);
      for (const target of [device, portable(device)]) {
        for (const [maxNorm, place] of [
          [1, 0],
          [0, 64],
          [1, 699],
        ] as const) {
          const gradient = normals(700, 1);
          gradient[place] = bad;
          const { norm, clip } = await run(target, [normals(7, 2), gradient, normals(7, 3)], maxNorm);
          expect(clip).toBe(0);
          expect(Number.isFinite(norm)).toBe(false);
        }
      }
    });
  }

  it("sums a large square and many small ones without losing the small ones", async (context) => {
    const device = await deviceOrSkip(context);
    const gradients = [Float32Array.of(2048), ...Array.from({ length: 40 }, () => new Float32Array(64).fill(0.25))];
    const { norm } = await run(device, gradients, 0);
    expect(norm).toBe(Math.fround(globalNormReference(gradients, 0).norm));
  });
});
