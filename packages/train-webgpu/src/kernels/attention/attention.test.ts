import { describe, expect, it } from "vitest";
import { createExecutor } from "../../plan/executor.ts";
import { createTape } from "../../plan/tape.ts";
import { read, write } from "../../plan/upload.ts";
import { deviceOrSkip, portable } from "../../testing/device.ts";
import { expectClose, finiteDifferences, normals } from "../../testing/numbers.ts";
import { noSizes, runOps, tensor } from "../../testing/tape.ts";
import { attentionGradientReference, attentionReference } from "./attention.reference.ts";
import { attention, attentionTiles, cachedAttention } from "./attention.ts";

interface Case {
  heads: number;
  keyValueHeads: number;
  headDim: number;
  window?: number;
  lengths: number[];
}

const cases: Case[] = [
  { heads: 1, keyValueHeads: 1, headDim: 8, lengths: [1] },
  { heads: 6, keyValueHeads: 2, headDim: 8, window: 5, lengths: [1, 7, 63, 2, 64, 65] },
  { heads: 4, keyValueHeads: 1, headDim: 16, lengths: [33, 8, 1, 1] },
  { heads: 2, keyValueHeads: 2, headDim: 64, window: 16, lengths: [40, 9] },
  { heads: 2, keyValueHeads: 1, headDim: 12, lengths: [10] },
];

function makeCase({ heads, keyValueHeads, headDim, lengths }: Case) {
  const sequenceOffsets = new Uint32Array(lengths.length + 1);
  lengths.forEach((length, s) => {
    sequenceOffsets[s + 1] = sequenceOffsets[s]! + length;
  });
  const tokens = sequenceOffsets.at(-1)!;
  return {
    tokens,
    sequenceOffsets,
    q: normals(tokens * heads * headDim, 1),
    k: normals(tokens * keyValueHeads * headDim, 2),
    v: normals(tokens * keyValueHeads * headDim, 3),
    dOut: normals(tokens * heads * headDim, 4),
  };
}

describe("attention", () => {
  for (const shape of cases) {
    it(`equals the float64 reference, forward and backward: ${JSON.stringify(shape)}`, async (context) => {
      const device = await deviceOrSkip(context);
      const { tokens, sequenceOffsets, q, k, v, dOut } = makeCase(shape);
      const expected = attentionReference(q, k, v, { ...shape, sequenceOffsets });
      const gradient = attentionGradientReference(q, k, v, dOut, { ...shape, sequenceOffsets });
      const targets = shape.headDim === 8 ? [device, portable(device)] : [device];
      for (const target of targets) {
        const inputs = [tensor(target, "q", q, true), tensor(target, "k", k, true), tensor(target, "v", v, true)];
        const tileData = attentionTiles(sequenceOffsets);
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
      const tileData = attentionTiles(Uint32Array.of(0, before, before + 37));
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
    const tiles = tensor(device, "tiles", attentionTiles(Uint32Array.of(0, 8)));
    const shape = { heads: 1, keyValueHeads: 1, headDim: 8, maxTokens: 8 };
    const record = (tape: Parameters<typeof attention>[0]) =>
      attention(tape, device, inputs[0]!, inputs[1]!, inputs[2]!, tiles, shape);
    const { output } = await runOps(device, { tokens: 8, tiles: 1 }, record, { outputLength: 64 });
    expect(output.every(Number.isFinite)).toBe(true);
  });

  for (const window of [undefined, 5]) {
    it(`attends over a cache, tokens arriving in any portions, as over whole sequences (window ${window})`, async (context) => {
      const device = await deviceOrSkip(context);
      const shape = { heads: 4, keyValueHeads: 2, headDim: 8, ...(window && { window }) };
      const lengths = [21, 9];
      const slotRows = 24;
      const { q, k, v, sequenceOffsets } = makeCase({ ...shape, lengths });
      const expected = attentionReference(q, k, v, { ...shape, sequenceOffsets });
      // Portions of (sequence, position): a start of both, then the rest a token of each at a time, then the longer one alone.
      const upTo = (slot: number, from: number, to: number) =>
        Array.from({ length: to - from }, (_, i) => [slot, from + i] as const);
      const portions = [
        [...upTo(0, 0, 5), ...upTo(1, 0, 3)],
        ...upTo(1, 3, 9).map(([, position]) => [[1, position] as const, [0, position + 2] as const]),
        ...upTo(0, 11, 21).map((token) => [token]),
      ];
      for (const target of [device, portable(device)]) {
        const empty = (name: string, width: number) => tensor(target, name, new Float32Array(8 * width));
        const [qs, ks, vs] = [empty("q", 32), empty("k", 16), empty("v", 16)];
        const [rows, tiles] = [tensor(target, "rows", new Uint32Array(8)), tensor(target, "tiles", new Uint32Array(32))];
        const cache = (name: string) => tensor(target, name, new Float32Array(2 * slotRows * 16).fill(1e4));
        const tape = createTape();
        const layer = { keys: cache("keys"), values: cache("values"), rows };
        const o = cachedAttention(tape, target, qs, ks, vs, tiles, layer, { ...shape, maxTokens: 8 });
        using executor = await createExecutor(target, { all: tape.dispatches }, [o]);
        for (const portion of portions) {
          const at = portion.map(([slot, position]) => sequenceOffsets[slot]! + position);
          const gather = (data: Float32Array, width: number) =>
            Float32Array.from(at.flatMap((token) => [...data.slice(token * width, (token + 1) * width)]));
          write(target, qs, gather(q, 32));
          write(target, ks, gather(k, 16));
          write(target, vs, gather(v, 16));
          const cacheRows = portion.map(([slot, position]) => slot * slotRows + position);
          write(target, rows, Uint32Array.from(cacheRows));
          const tile = (row: number, t: number) => [portion[t]![0] * slotRows, row, row + 1, row - t];
          write(target, tiles, Uint32Array.from(cacheRows.flatMap(tile)));
          executor.run("all", { ...noSizes, tokens: portion.length, tiles: portion.length });
          const [actual] = await read(target, [{ tensor: o, length: portion.length * 32 }]);
          const wanted = at.flatMap((token) => [...expected.slice(token * 32, (token + 1) * 32)]);
          expectClose(actual!, wanted, 3e-6, `o of ${JSON.stringify(portion)}`);
        }
      }
    });
  }
});
