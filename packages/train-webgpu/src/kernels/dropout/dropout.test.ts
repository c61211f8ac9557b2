import { describe, expect, it } from "vitest";
import { deviceOrSkip } from "../../testing/device.ts";
import { expectClose, normals } from "../../testing/numbers.ts";
import { runOps, tensor } from "../../testing/tape.ts";
import { dropoutReference } from "./dropout.reference.ts";
import { dropout } from "./dropout.ts";

const [tokens, width] = [67, 53];
const shape = { width, probability: 0.25, seed: 42, stream: 3 };

describe("dropout", () => {
  for (const draw of [0, 1, 4_000_000_000]) {
    it(`of draw ${draw} equals the reference, and the gradient passes where the element did`, async (context) => {
      const device = await deviceOrSkip(context);
      const [x, dy] = [normals(tokens * width, 1), normals(tokens * width, 2)];
      const input = tensor(device, "x", x, true);
      const { output, gradients } = await runOps(
        device,
        { tokens, dropoutDraw: draw },
        (tape) => dropout(tape, device, input, shape),
        { outputLength: x.length, outputGradient: dy, inputs: [input] },
      );
      const settings = { seed: 42, draw, stream: 3, keep: 0.75 };
      expectClose(output, dropoutReference(x, settings), 1e-7, "y");
      expectClose(gradients[0]!, dropoutReference(dy, settings), 1e-7, "dx");
    });
  }

  it("has a reference that keeps the share asked for, independently by draw, place and seed", () => {
    const ones = new Float64Array(100_000).fill(1);
    const kept = (change: object) => dropoutReference(ones, { seed: 1, draw: 1, stream: 0, keep: 0.7, ...change });
    const share = (mask: Float64Array) => mask.filter((value) => value > 0).length / mask.length;
    const base = kept({});
    expect(Math.abs(share(base) - 0.7)).toBeLessThan(0.005);
    expect(base.reduce((sum, value) => sum + value, 0) / base.length).toBeCloseTo(1, 2);
    for (const change of [{ draw: 2 }, { stream: 1 }, { seed: 2 }]) {
      const other = kept(change);
      const both = base.map((value, i) => (value > 0 && other[i]! > 0 ? 1 : 0));
      expect(Math.abs(share(both) - 0.49)).toBeLessThan(0.005);
    }
  });
});
