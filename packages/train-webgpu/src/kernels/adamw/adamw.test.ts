import { describe, expect, it } from "vitest";
import type { Device } from "../../device/request-device.ts";
import { createExecutor } from "../../plan/executor.ts";
import { createTape } from "../../plan/tape.ts";
import { read, write } from "../../plan/upload.ts";
import { deviceOrSkip, portable } from "../../testing/device.ts";
import { expectClose, normals } from "../../testing/numbers.ts";
import { noSizes, tensor } from "../../testing/tape.ts";
import { adamwReference } from "./adamw.reference.ts";
import { type AdamwSettings, adamw } from "./adamw.ts";

interface Step {
  gradient: Float32Array<ArrayBuffer>;
  learningRate: number;
  clip: number;
}

interface Parameter {
  p: Float32Array<ArrayBuffer>;
  m: Float32Array<ArrayBuffer>;
  v: Float32Array<ArrayBuffer>;
}

const settings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1 };

/** The parameter and its moments after the steps, which are numbered from `firstStep`. */
async function run(device: Device, start: Parameter, steps: Step[], hyper: AdamwSettings, firstStep = 1): Promise<Parameter> {
  const [gradient, normAndClip] = [tensor(device, "g", start.p), tensor(device, "norm and clip", new Float32Array(2))];
  const [p, m, v] = [tensor(device, "p", start.p), tensor(device, "m", start.m), tensor(device, "v", start.v)];
  const tape = createTape();
  adamw(tape, device, { parameter: p, gradient, firstMoment: m, secondMoment: v }, normAndClip, hyper);
  using executor = await createExecutor(device, { step: tape.dispatches });
  steps.forEach(({ gradient: data, clip, learningRate }, index) => {
    write(device, gradient, data);
    write(device, normAndClip, Float32Array.of(99, clip));
    executor.run("step", { ...noSizes, learningRate, step: firstStep + index });
  });
  const length = start.p.length;
  const [pAfter, mAfter, vAfter] = await read(
    device,
    [p, m, v].map((moved) => ({ tensor: moved, length })),
  );
  return { p: pAfter!, m: mAfter!, v: vAfter! };
}

function expected(start: Parameter, steps: Step[], hyper: AdamwSettings): { p: Float64Array; m: Float64Array; v: Float64Array } {
  const [p, m, v] = [start.p, start.m, start.v].map((data) => Float64Array.from(data));
  steps.forEach(({ gradient, clip, learningRate }, index) => {
    const clipped = Float64Array.from(gradient, (g) => g * clip);
    adamwReference(p!, clipped, m!, v!, index + 1, { ...hyper, learningRate });
  });
  return { p: p!, m: m!, v: v! };
}

const fresh = (length: number): Parameter => ({
  p: normals(length, 1),
  m: new Float32Array(length),
  v: new Float32Array(length),
});

const tenSteps = (length: number, scale = 1): Step[] =>
  Array.from({ length: 10 }, (_, step) => ({
    gradient: normals(length, 10 + step, scale),
    learningRate: 0.01 * (1 - step / 10),
    clip: step % 3 === 2 ? 0.25 : 1,
  }));

const thousandfold = (value: number): number => 1000 * value;

describe("adamw", () => {
  for (const length of [1, 7, 63, 64, 65, 257]) {
    it(`equals the float64 reference over ten steps of ${length} parameters`, async (context) => {
      const device = await deviceOrSkip(context);
      const [start, steps] = [fresh(length), tenSteps(length)];
      const { p, m, v } = expected(start, steps, settings);
      for (const target of [device, portable(device)]) {
        const actual = await run(target, start, steps, settings);
        expectClose(actual.p, p, 1e-6, "p");
        expectClose(actual.m, m, 1e-6, "m");
        // 1 - beta2 in float32 is 1.3e-5 off; scaled, since expectClose is absolute below 0.1.
        expectClose(Float64Array.from(actual.v, thousandfold), v.map(thousandfold), 2e-5, "1000 v");
      }
    });
  }

  it("moves the first step by the learning rate against the gradient's sign", async (context) => {
    const device = await deviceOrSkip(context);
    const start = { p: Float32Array.of(1, 1, 1), m: new Float32Array(3), v: new Float32Array(3) };
    const steps = [{ gradient: Float32Array.of(5, -0.001, 0), learningRate: 0.125, clip: 1 }];
    const { p } = await run(device, start, steps, { ...settings, weightDecay: 0 });
    expectClose(p, [0.875, 1.125, 1], 2e-6);
  });

  it("decays weights by their own size alone, also where there is no gradient", async (context) => {
    const device = await deviceOrSkip(context);
    const start = { p: Float32Array.of(8, -8, 0), m: new Float32Array(3), v: new Float32Array(3) };
    const steps = [{ gradient: new Float32Array(3), learningRate: 0.5, clip: 1 }];
    const { p, m, v } = await run(device, start, steps, { ...settings, weightDecay: 0.25 });
    expect([...p]).toEqual([7, -7, 0]);
    expect([...m, ...v]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it("adds epsilon after the correction, which shows for gradients of its own size", async (context) => {
    const device = await deviceOrSkip(context);
    const [start, steps] = [fresh(65), tenSteps(65, 1e-4)];
    const large = { ...settings, epsilon: 1e-4 };
    const { p } = expected(start, steps, large);
    expectClose((await run(device, start, steps, large)).p, p, 1e-6);
    const other = expected(start, steps, { ...large, epsilon: 1e-8 }).p;
    expect(Math.max(...other.map((value, i) => Math.abs(value - p[i]!)))).toBeGreaterThan(1e-3);
  });

  it("corrects the moments of a resumed run by the number of its step", async (context) => {
    const device = await deviceOrSkip(context);
    const [start, steps] = [fresh(7), tenSteps(7)];
    const whole = await run(device, start, steps, settings);
    const half = await run(device, start, steps.slice(0, 4), settings);
    expect(await run(device, half, steps.slice(4), settings, 5)).toEqual(whole);
  });

  it("changes not a bit where clip is 0, whatever the gradient holds", async (context) => {
    const device = await deviceOrSkip(context);
    const start = { p: normals(65, 1), m: normals(65, 2), v: normals(65, 3).map((value) => value ** 2) };
    const gradient = normals(65, 4);
    gradient.set([Number.NaN, Number.POSITIVE_INFINITY, 1e38]);
    for (const target of [device, portable(device)]) {
      expect(await run(target, start, [{ gradient, learningRate: 0.1, clip: 0 }], settings, 3)).toEqual(start);
    }
  });
});
