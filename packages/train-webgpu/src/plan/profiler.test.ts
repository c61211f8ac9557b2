import { describe, expect, it } from "vitest";
import { requestDevice } from "../device/request-device.ts";
import { product } from "../kernels/matmul/matmul.ts";
import { measureRoof } from "../kernels/roof/roof.ts";
import { swiglu } from "../kernels/swiglu/swiglu.ts";
import { normals } from "../testing/numbers.ts";
import { noSizes, tensor } from "../testing/tape.ts";
import { createExecutor } from "./executor.ts";
import { createProfiler } from "./profiler.ts";
import { createTape } from "./tape.ts";
import { read } from "./upload.ts";

describe("the profiler", () => {
  it("times each kernel, counts its operations and bytes, and leaves the numbers as they are", async (context) => {
    const device = await requestDevice({ profile: true }).catch((error: Error) => context.skip(error.message));
    const [m, n, k] = [128, 96, 64];
    const [a, b] = [tensor(device, "a", normals(m * k, 1)), tensor(device, "b", normals(n * k, 2))];
    const run = async (profiled: boolean) => {
      const c = tensor(device, "c", new Float32Array(m * n));
      const tape = createTape();
      const counts = { m: () => m, n: () => n, k: () => k };
      product(tape, device, { layout: "nt", a, b, c, ...counts });
      product(tape, device, { layout: "nt", a, b, c, ...counts, accumulate: () => 1 });
      swiglu(tape, device, c, c, n);
      const { profiler, ...plain } = device;
      using executor = await createExecutor(profiled ? device : plain, { all: tape.dispatches });
      executor.run("all", { ...noSizes, tokens: m });
      executor.run("all", { ...noSizes, tokens: 0 });
      return { c: (await read(device, [{ tensor: c, length: m * n }]))[0]!, report: await profiler!.report() };
    };
    const [profiled, plain] = [await run(true), await run(false)];
    expect(profiled.c).toEqual(plain.c);
    expect(plain.report).toEqual([]);
    const [first, second] = profiled.report;
    expect(profiled.report.map(({ kernel }) => kernel).sort()).toEqual(["matmul nt", "swiglu forward"]);
    const matmul = [first!, second!].find(({ kernel }) => kernel === "matmul nt")!;
    // The second call has no tokens for SwiGLU, so it launches the products alone.
    expect(matmul).toMatchObject({ launches: 4, flops: 4 * 2 * m * n * k, bytes: 4 * 4 * (m * k + n * k + m * n) });
    const other = [first!, second!].find(({ kernel }) => kernel === "swiglu forward")!;
    expect(other).toMatchObject({ launches: 1, flops: 5 * m * n, bytes: 3 * 4 * m * n });
    for (const { milliseconds } of profiled.report) {
      expect(milliseconds).toBeGreaterThan(0);
      expect(milliseconds).toBeLessThan(60_000);
    }
    const roof = await measureRoof(device);
    // Slower than any processor would be wrong, and so would be faster than a thousand GPUs.
    expect(roof.flopsPerSecond).toBeGreaterThan(1e8);
    expect(roof.flopsPerSecond).toBeLessThan(1e17);
    expect(roof.bytesPerSecond).toBeGreaterThan(1e7);
    expect(roof.bytesPerSecond).toBeLessThan(1e16);
    device[Symbol.dispose]();
  });

  it("says so where a device has no timestamps", () => {
    expect(() => createProfiler({ features: new Set() } as unknown as GPUDevice)).toThrow(/no timestamp queries/);
  });
});
