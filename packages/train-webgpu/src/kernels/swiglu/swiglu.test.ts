import { describe, expect, it } from "vitest";
import type { Device } from "../../device/request-device.ts";
import { deviceOrSkip, portable } from "../../testing/device.ts";
import { expectClose, finiteDifferences, normals } from "../../testing/numbers.ts";
import { runOps, tensor } from "../../testing/tape.ts";
import { swigluGradientReference, swigluReference } from "./swiglu.reference.ts";
import { swiglu } from "./swiglu.ts";

type Floats = Float32Array<ArrayBuffer>;

async function run(
  device: Device,
  tokens: number,
  [gate, up, dy]: [Floats, Floats, Floats],
  trainable = { gate: true, up: true },
  width = gate.length / tokens,
) {
  const inputs = [tensor(device, "gate", gate, trainable.gate), tensor(device, "up", up, trainable.up)];
  return runOps(device, { tokens }, (tape) => swiglu(tape, device, inputs[0]!, inputs[1]!, width), {
    outputLength: gate.length,
    outputGradient: dy,
    inputs: inputs.filter(({ gradient }) => gradient),
  });
}

describe("swiglu", () => {
  for (const [tokens, width] of [
    [1, 1],
    [7, 1],
    [7, 9],
    [1, 64],
    [13, 5],
    [257, 3],
  ] as const) {
    it(`equals the float64 reference, forward and backward, for [${tokens}, ${width}]`, async (context) => {
      const device = await deviceOrSkip(context);
      const elements = tokens * width;
      const data: [Floats, Floats, Floats] = [normals(elements, 1, 3), normals(elements, 2), normals(elements, 3)];
      const { dgate, dup } = swigluGradientReference(...data);
      for (const target of [device, portable(device)]) {
        const { output, gradients } = await run(target, tokens, data);
        expectClose(output, swigluReference(data[0], data[1]), 1e-6, "y");
        expectClose(gradients[0]!, dgate, 2e-6, "d gate");
        expectClose(gradients[1]!, dup, 1e-6, "d up");
      }
    });
  }

  it("has a reference whose gradient equals finite differences", () => {
    const [gate, up, dy] = [normals(7, 4, 3), normals(7, 5), normals(7, 6)];
    const { dgate, dup } = swigluGradientReference(gate, up, dy);
    const loss = (g: ArrayLike<number>, u: ArrayLike<number>) => swigluReference(g, u).reduce((s, y, i) => s + y * dy[i]!, 0);
    const entries = [0, 1, 2, 3, 4, 5, 6];
    expectClose(
      dgate,
      finiteDifferences((moved) => loss(moved, up), gate, entries),
      1e-8,
    );
    expectClose(
      dup,
      finiteDifferences((moved) => loss(gate, moved), up, entries),
      1e-8,
    );
  });

  it("is the identity times `up` for large gates and 0 for gates far below 0, where exp overflows", async (context) => {
    const device = await deviceOrSkip(context);
    const gate = Float32Array.of(1e4, 100, 0, -80, -88, -100, -1e4);
    const [up, dy] = [new Float32Array(7).fill(2), new Float32Array(7).fill(3)];
    const { output, gradients } = await run(device, 7, [gate, up, dy]);
    const { dgate, dup } = swigluGradientReference(gate, up, dy);
    for (let i = 0; i < 7; i++) {
      expect(output[i], `y at gate ${gate[i]}`).toBeCloseTo(2 * Math.max(gate[i]!, 0), 6);
      expect(gradients[0]![i], `d gate at gate ${gate[i]}`).toBeCloseTo(dgate[i]!, 5);
      expect(gradients[1]![i], `d up at gate ${gate[i]}`).toBeCloseTo(dup[i]!, 6);
    }
  });

  it("gives the same gradient where only one of its inputs is trained", async (context) => {
    const device = await deviceOrSkip(context);
    const data: [Floats, Floats, Floats] = [normals(21, 7), normals(21, 8), normals(21, 9)];
    const both = await run(device, 7, data);
    const [gateOnly] = (await run(device, 7, data, { gate: true, up: false })).gradients;
    const [upOnly] = (await run(device, 7, data, { gate: false, up: true })).gradients;
    expect([gateOnly, upOnly]).toEqual(both.gradients);
  });

  it("writes the tokens of the batch and nothing behind them", async (context) => {
    const device = await deviceOrSkip(context);
    const data: [Floats, Floats, Floats] = [normals(70, 1), normals(70, 2), normals(70, 3)];
    const { output, gradients } = await run(device, 5, data, { gate: true, up: true }, 13);
    for (const values of [output, ...gradients]) {
      expect(values.slice(0, 65).every((value) => value !== 0)).toBe(true);
      expect([...values.slice(65)]).toEqual([0, 0, 0, 0, 0]);
    }
  });
});
