import { describe, expect, it } from "vitest";
import { deviceOrSkip, gpuClass, portable } from "../../testing/device.ts";
import { expectClose, finiteDifferences, normals } from "../../testing/numbers.ts";
import { runOps, tensor } from "../../testing/tape.ts";
import { attentionGradientReference, attentionReference } from "./attention.reference.ts";
import { attention, attentionTiles, tileRows } from "./attention.ts";
import { type AttentionCase, makeCase } from "./attention-case.ts";

const cases: AttentionCase[] = [
  { heads: 1, keyValueHeads: 1, headDim: 8, lengths: [1] },
  { heads: 6, keyValueHeads: 2, headDim: 8, window: 5, lengths: [1, 7, 63, 2, 64, 65] },
  { heads: 4, keyValueHeads: 1, headDim: 16, lengths: [33, 8, 1, 1] },
  { heads: 2, keyValueHeads: 2, headDim: 64, window: 16, lengths: [40, 9] },
  { heads: 2, keyValueHeads: 1, headDim: 12, lengths: [10] },
  { heads: 2, keyValueHeads: 1, headDim: 32, window: 20, lengths: [70, 3, 33] },
];

describe("attention", () => {
  for (const shape of cases) {
    // On a software adapter the compiler takes longer than the kernels.
    it(`equals the float64 reference, forward and backward: ${JSON.stringify(shape)}`, { timeout: 400_000 }, async (context) => {
      const device = await deviceOrSkip(context);
      const { tokens, sequenceOffsets, q, k, v, dOut } = makeCase(shape);
      const expected = attentionReference(q, k, v, { ...shape, sequenceOffsets });
      const gradient = attentionGradientReference(q, k, v, dOut, { ...shape, sequenceOffsets });
      const targets = shape.headDim === 64 ? [device] : [device, portable(device), gpuClass(device)];
      for (const target of targets) {
        const inputs = [tensor(target, "q", q, true), tensor(target, "k", k, true), tensor(target, "v", v, true)];
        const tileData = attentionTiles(sequenceOffsets, tileRows(target, shape.headDim));
        const tiles = tensor(target, "tiles", tileData);
        const sizes = { tokens, tiles: tileData.length / 4 };
        const { output, gradients } = await runOps(
          target,
          sizes,
          (tape) => attention(tape, target, inputs[0]!, inputs[1]!, inputs[2]!, tiles, { ...shape, maxTokens: tokens }),
          { outputLength: q.length, outputGradient: dOut, inputs },
        );
        expectClose(output, expected, 3e-6, "o");
        expectClose(gradients[0]!, gradient.dq, 5e-6, "dq");
        expectClose(gradients[1]!, gradient.dk, 5e-6, "dk");
        expectClose(gradients[2]!, gradient.dv, 5e-6, "dv");
      }
    });
  }

  it("gives a sequence the same bits wherever it lies in the stream", async (context) => {
    const device = await deviceOrSkip(context);
    const shape = { heads: 2, keyValueHeads: 1, headDim: 8, window: 13 };
    const { q, k, v } = makeCase({ ...shape, lengths: [37] });
    const run = async (before: number): Promise<Float32Array> => {
      const pad = (data: Float32Array, width: number) => Float32Array.from([...normals(before * width, 9), ...data]);
      const inputs = [pad(q, 16), pad(k, 8), pad(v, 8)].map((data, i) => tensor(device, "qkv"[i]!, data));
      const tileData = attentionTiles(Uint32Array.of(0, before, before + 37), tileRows(device, 8));
      const sizes = { tokens: before + 37, tiles: tileData.length / 4 };
      const tiles = tensor(device, "tiles", tileData);
      const maxTokens = before + 37;
      const record = (tape: Parameters<typeof attention>[0]) =>
        attention(tape, device, inputs[0]!, inputs[1]!, inputs[2]!, tiles, { ...shape, maxTokens });
      const { output } = await runOps(device, sizes, record, { outputLength: (before + 37) * 16 });
      return output.slice(before * 16);
    };
    const alone = await run(0);
    for (const before of [1, 5, 8, 29]) expect(await run(before)).toEqual(alone);
  });

  it("has a reference whose gradient equals finite differences", () => {
    const shape = cases[1]!;
    const { sequenceOffsets, q, k, v, dOut } = makeCase({ ...shape, lengths: [3, 9] });
    const full = { ...shape, sequenceOffsets };
    const { dq, dk, dv } = attentionGradientReference(q, k, v, dOut, full);
    const loss = (a: ArrayLike<number>, b: ArrayLike<number>, c: ArrayLike<number>) =>
      attentionReference(a, b, c, full).reduce((s, x, i) => s + x * dOut[i]!, 0);
    const entries = [0, 5, 40, 100];
    expectClose(
      entries.map((i) => dq[i]!),
      finiteDifferences((x) => loss(x, k, v), q, entries),
      1e-7,
      "dq",
    );
    expectClose(
      entries.map((i) => dk[i]!),
      finiteDifferences((x) => loss(q, x, v), k, entries),
      1e-7,
      "dk",
    );
    expectClose(
      entries.map((i) => dv[i]!),
      finiteDifferences((x) => loss(q, k, x), v, entries),
      1e-7,
      "dv",
    );
  });

  it("does not overflow at scores of 1e4", async (context) => {
    const device = await deviceOrSkip(context);
    const q = new Float32Array(64).fill(100);
    const inputs = [tensor(device, "q", q), tensor(device, "k", q), tensor(device, "v", normals(64, 1))];
    const tiles = tensor(device, "tiles", attentionTiles(Uint32Array.of(0, 8), tileRows(device, 8)));
    const shape = { heads: 1, keyValueHeads: 1, headDim: 8, maxTokens: 8 };
    const record = (tape: Parameters<typeof attention>[0]) =>
      attention(tape, device, inputs[0]!, inputs[1]!, inputs[2]!, tiles, shape);
    const { output } = await runOps(device, { tokens: 8, tiles: 1 }, record, { outputLength: 64 });
    expect(output.every(Number.isFinite)).toBe(true);
  });
});
