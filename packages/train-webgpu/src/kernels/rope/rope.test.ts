import { describe, expect, it } from "vitest";
import type { Device } from "../../device/request-device.ts";
import { createExecutor } from "../../plan/executor.ts";
import { createTape } from "../../plan/tape.ts";
import { read } from "../../plan/upload.ts";
import { deviceOrSkip, portable } from "../../testing/device.ts";
import { expectClose, finiteDifferences, normals } from "../../testing/numbers.ts";
import { noSizes, tensor } from "../../testing/tape.ts";
import { ropeReference } from "./rope.reference.ts";
import { rope, ropeAngles } from "./rope.ts";

const MAX_POSITIONS = 2001;

const frequencies = (headDim: number): Float64Array =>
  Float64Array.from({ length: headDim / 2 }, (_, c) => 10_000 ** ((-2 * c) / headDim));

/** Positions of a ragged stream: they restart, jump and reach the last row of the table. */
const raggedPositions = (tokens: number): Uint32Array<ArrayBuffer> =>
  Uint32Array.from({ length: tokens }, (_, t) => (t === tokens - 1 ? MAX_POSITIONS - 1 : (t * 617) % MAX_POSITIONS));

/** Every head's row of x [T, H, D] by the reference; `sign` -1 turns back. */
function turned(x: ArrayLike<number>, positions: Uint32Array, heads: number, headDim: number, sign: number): Float64Array {
  const out = new Float64Array(x.length);
  const rows = Array.from(x);
  for (let row = 0; row < positions.length * heads; row++) {
    const slice = rows.slice(row * headDim, (row + 1) * headDim);
    out.set(ropeReference(slice, sign * positions[Math.floor(row / heads)]!, frequencies(headDim)), row * headDim);
  }
  return out;
}

async function run(
  device: Device,
  x: Float32Array<ArrayBuffer>,
  dy: Float32Array<ArrayBuffer>,
  positions: Uint32Array<ArrayBuffer>,
  shape: { heads: number; headDim: number },
): Promise<Float32Array[]> {
  const tape = createTape();
  const [turning, gradient] = [tensor(device, "x", x), tensor(device, "dx", dy)];
  const angles = tensor(device, "angles", ropeAngles(frequencies(shape.headDim), MAX_POSITIONS));
  rope(tape, device, turning, tensor(device, "positions", positions), angles, shape);
  tape.seedGradient(turning, gradient);
  tape.backward();
  using executor = await createExecutor(device, { all: tape.dispatches });
  executor.run("all", { ...noSizes, tokens: positions.length });
  return read(device, [
    { tensor: turning, length: x.length },
    { tensor: gradient, length: x.length },
  ]);
}

describe("rope", () => {
  for (const [tokens, heads, headDim] of [
    [1, 1, 2],
    [7, 6, 8],
    [63, 2, 8],
    [64, 1, 16],
    [65, 3, 4],
    [257, 1, 2],
    [5, 2, 128],
  ] as const) {
    it(`turns [${tokens}, ${heads}, ${headDim}] as the float64 reference does, and the gradient back`, async (context) => {
      const device = await deviceOrSkip(context);
      const positions = raggedPositions(tokens);
      const [x, dy] = [normals(tokens * heads * headDim, 1), normals(tokens * heads * headDim, 2)];
      for (const target of [device, portable(device)]) {
        const [y, dx] = await run(target, x, dy, positions, { heads, headDim });
        expectClose(y!, turned(x, positions, heads, headDim, 1), 1e-6, "y");
        expectClose(dx!, turned(dy, positions, heads, headDim, -1), 1e-6, "dx");
      }
    });
  }

  it("turns the tokens of the batch and leaves what lies behind them", async (context) => {
    const device = await deviceOrSkip(context);
    const [x, dy] = [normals(10 * 8, 9), normals(10 * 8, 10)];
    for (const target of [device, portable(device)]) {
      const [y, dx] = await run(target, x, dy, raggedPositions(7), { heads: 1, headDim: 8 });
      expect(y!.slice(56)).toEqual(x.slice(56));
      expect(dx!.slice(56)).toEqual(dy.slice(56));
      expectClose(y!.slice(0, 56), turned(x.slice(0, 56), raggedPositions(7), 1, 8, 1), 1e-6, "y");
    }
  });

  it("leaves position 0 as it is, to the bit", async (context) => {
    const device = await deviceOrSkip(context);
    const [x, dy] = [normals(48, 3, 1e4), normals(48, 4, 1e4)];
    const [y, dx] = await run(device, x, dy, new Uint32Array(3), { heads: 2, headDim: 8 });
    expect(y).toEqual(x);
    expect(dx).toEqual(dy);
  });

  it("has a reference whose inverse rotation is its gradient by finite differences", () => {
    const [x, dy] = [normals(8, 5), normals(8, 6)];
    const loss = (moved: ArrayLike<number>) =>
      ropeReference(moved, 1999, frequencies(8)).reduce((sum, y, i) => sum + y * dy[i]!, 0);
    expectClose(ropeReference(dy, -1999, frequencies(8)), finiteDifferences(loss, x, [0, 1, 2, 3, 4, 5, 6, 7]), 1e-8);
  });

  it("has a reference in which a query's product with a key depends on their distance alone", () => {
    const [q, k] = [normals(16, 7), normals(16, 8)];
    const product = (query: number, key: number): number => {
      const turnedKey = ropeReference(k, key, frequencies(16));
      return ropeReference(q, query, frequencies(16)).reduce((sum, value, i) => sum + value * turnedKey[i]!, 0);
    };
    expect(product(1700, 1650)).toBeCloseTo(product(50, 0), 9);
    expect(Math.abs(product(50, 0) - product(0, 50))).toBeGreaterThan(0.01);
  });

  it("rounds each angle's cosine and sine once, also at position 2,000", () => {
    const table = ropeAngles(frequencies(8), MAX_POSITIONS);
    for (const [position, c] of [
      [0, 0],
      [1, 3],
      [2000, 0],
      [2000, 3],
    ] as const) {
      const angle = position * frequencies(8)[c]!;
      expect(table[(position * 4 + c) * 2]).toBe(Math.fround(Math.cos(angle)));
      expect(table[(position * 4 + c) * 2 + 1]).toBe(Math.fround(Math.sin(angle)));
    }
    expect(table.length).toBe(MAX_POSITIONS * 8);
  });
});
