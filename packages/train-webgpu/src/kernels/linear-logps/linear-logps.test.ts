import { describe, expect, it } from "vitest";
import type { Device } from "../../device/request-device.ts";
import { createExecutor } from "../../plan/executor.ts";
import { createTape, type Tape } from "../../plan/tape.ts";
import { read, write } from "../../plan/upload.ts";
import { deviceOrSkip, portable } from "../../testing/device.ts";
import { expectClose, finiteDifferences, normals } from "../../testing/numbers.ts";
import { noSizes, runOps, tensor } from "../../testing/tape.ts";
import { linearLogpsGradientReference, linearLogpsReference } from "./linear-logps.reference.ts";
import { gatherLabelled, linearLogps } from "./linear-logps.ts";

type Floats = Float32Array<ArrayBuffer>;

/** Labelled tokens of a stream of sequences; capacities leave room for more of both. */
interface Case {
  tokens: number;
  width: number;
  vocabulary: number;
  rows: Uint32Array<ArrayBuffer>;
  targets: Uint32Array<ArrayBuffer>;
  sequenceOfRow: Uint32Array<ArrayBuffer>;
  rowWeights: Floats;
  sequenceGradient: Floats;
  hidden: Floats;
  weight: Floats;
}

const ONE_CHUNK = 2 ** 30;
const SPARE_ROWS = 6;

function makeCase(tokens: number, labelled: number, width: number, vocabulary: number): Case {
  const each = <T>(at: (n: number) => T): T[] => Array.from({ length: labelled }, (_, n) => at(n));
  return {
    tokens,
    width,
    vocabulary,
    rows: Uint32Array.from(each((n) => Math.floor((n * tokens) / labelled))),
    targets: Uint32Array.from(each((n) => (n % 3 === 2 ? vocabulary - 1 : (n * 37) % vocabulary))),
    sequenceOfRow: Uint32Array.from(each((n) => Math.floor((n * 3) / labelled))),
    rowWeights: Float32Array.from(each((n) => 1 - (n % 4) / 4)),
    sequenceGradient: Float32Array.of(-0.5, 2, 0.75),
    hidden: normals(tokens * width, 1),
    weight: normals(vocabulary * width, 2, 0.5),
  };
}

const gradientOfRows = ({ rows, rowWeights, sequenceGradient, sequenceOfRow }: Case): number[] =>
  Array.from(rows, (_, n) => sequenceGradient[sequenceOfRow[n]!]! * rowWeights[n]!);

/** Bytes of logits with which every chunk takes four rows. */
const fourRows = (vocabulary: number): number => Math.ceil(vocabulary / 4) * 4 * 4 * 4;

/** Row statistics and gradients after one run for each entry of `accumulate`; gradients start as garbage. */
async function run(device: Device, data: Case, chunkBytes: number, accumulate = [0], batches = [data.rows.length]) {
  const { tokens, width, vocabulary, rows } = data;
  const rowOfToken = new Uint32Array(tokens).fill(0xffffffff);
  rows.forEach((token, n) => {
    rowOfToken[token] = n;
  });
  const [hidden, weight] = [tensor(device, "hidden", data.hidden, true), tensor(device, "head", data.weight, true)];
  for (const { gradient } of [hidden, weight]) write(device, gradient!, new Float32Array(gradient!.bytes / 4).fill(Number.NaN));
  const labels = {
    rows: tensor(device, "rows", rows),
    targets: tensor(device, "targets", data.targets),
    rowOfToken: tensor(device, "row of token", rowOfToken),
    sequenceOfRow: tensor(device, "sequence of row", data.sequenceOfRow),
    rowWeights: tensor(device, "row weights", data.rowWeights),
    logCollision: tensor(device, "log collision", new Float32Array(data.rowWeights.length + SPARE_ROWS)),
    sequenceGradient: tensor(device, "sequence gradient", data.sequenceGradient),
  };
  const maxLabelled = rows.length + SPARE_ROWS;
  const shape = { width, vocabulary, maxTokens: tokens, maxLabelled, chunkBytes };
  const tape = createTape();
  const stats = linearLogps(tape, device, gatherLabelled(tape, device, hidden, labels, shape), weight, labels, shape);
  tape.backward();
  using executor = await createExecutor(device, { all: tape.dispatches }, [stats]);
  for (const labelled of batches)
    for (const value of accumulate) executor.run("all", { ...noSizes, tokens, labelled, accumulate: value });
  const [rowStats, dhidden, dweight] = await read(device, [
    { tensor: stats, length: rows.length * 4 },
    { tensor: hidden.gradient!, length: tokens * width },
    { tensor: weight.gradient!, length: vocabulary * width },
  ]);
  const chunks = tape.dispatches.filter(({ kernel }) => kernel.name === "logits stats").length;
  return { stats: rowStats!, dhidden: dhidden!, dweight: dweight!, chunks };
}

function reference({ hidden, weight, rows, targets, width, ...rest }: Case) {
  const gradient = gradientOfRows({ hidden, weight, rows, targets, width, ...rest });
  return {
    stats: linearLogpsReference(hidden, weight, rows, targets, width),
    ...linearLogpsGradientReference(hidden, weight, rows, targets, gradient, width),
  };
}

const columnOf = (stats: ArrayLike<number>, at: number): number[] => Array.from(stats).filter((_, i) => i % 4 === at);

/** `gradientBound` is wider where logits are large: the gradient reads log-sum-exp back, rounded at its own size. */
function expectReference(actual: Awaited<ReturnType<typeof run>>, data: Case, bound: number, gradientBound = bound): void {
  const expected = reference(data);
  const largestLogit = Math.max(...expected.stats.map(({ logp, meanLogit }) => Math.abs(logp) + Math.abs(meanLogit)));
  (["logp", "meanLogit", "entropy", "correct"] as const).forEach((name, at) => {
    const wanted = expected.stats.map((row) => row[name]);
    // A mean is summed from logits much larger than itself.
    const scale = name === "meanLogit" ? [largestLogit] : [];
    expectClose([...columnOf(actual.stats, at), ...scale], [...wanted, ...scale], bound, name);
  });
  expectClose(actual.dhidden, expected.dhidden, gradientBound, "d hidden");
  expectClose(actual.dweight, expected.dweight, gradientBound, "d head");
}

describe("linear-logps", () => {
  for (const [tokens, labelled, width, vocabulary] of [
    [1, 1, 4, 7],
    [13, 11, 8, 7],
    [40, 17, 12, 65],
    [19, 10, 16, 257],
    [16, 13, 8, 512],
    [66, 65, 4, 63],
    [8, 7, 68, 64],
  ] as const) {
    it(`equals the float64 reference for ${labelled} labelled of ${tokens} tokens, C ${width}, V ${vocabulary}, in one chunk and in many`, async (context) => {
      const device = await deviceOrSkip(context);
      const data = makeCase(tokens, labelled, width, vocabulary);
      for (const target of [device, portable(device)]) {
        const whole = await run(target, data, ONE_CHUNK);
        expect(whole.chunks).toBe(1);
        expectReference(whole, data, 3e-6);
        const cut = await run(target, data, fourRows(vocabulary));
        expect(cut.chunks).toBe(Math.ceil((labelled + SPARE_ROWS) / 4));
        expectReference(cut, data, 3e-6);
        expect(cut.stats, "chunks give the same bits").toEqual(whole.stats);
        expect(cut.dhidden, "chunks give the same bits").toEqual(whole.dhidden);
      }
    });
  }

  it("calls the first of several largest logits the prediction, wherever lanes meet", async (context) => {
    const device = await deviceOrSkip(context);
    const vocabulary = 65;
    const weight = new Float32Array(vocabulary * 4).fill(-1);
    for (const v of [11, 18, 19, 64]) weight.fill(1, v * 4, v * 4 + 4);
    const base = makeCase(6, 6, 4, vocabulary);
    const data = { ...base, weight, hidden: new Float32Array(24).fill(1), targets: Uint32Array.of(11, 18, 19, 64, 0, 10) };
    for (const target of [device, portable(device)]) {
      const { stats } = await run(target, data, ONE_CHUNK);
      expect(columnOf(stats, 3)).toEqual([1, 0, 0, 0, 0, 0]);
    }
    const flat = { ...data, hidden: new Float32Array(24), targets: Uint32Array.of(0, 1, 8, 64, 63, 0) };
    for (const target of [device, portable(device)]) {
      const { stats } = await run(target, flat, ONE_CHUNK);
      expect(columnOf(stats, 3)).toEqual([1, 0, 0, 0, 0, 1]);
      expectClose(columnOf(stats, 2), new Array(6).fill(Math.log(vocabulary)), 1e-6, "entropy of equal logits");
    }
  });

  it("looks at no column behind the vocabulary, where the next row of logits begins", async (context) => {
    const device = await deviceOrSkip(context);
    const weight = new Float32Array(64 * 4);
    weight[0] = 10;
    weight[5 * 4 + 1] = 1;
    const hidden = Float32Array.of(0, 1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0);
    const data = { ...makeCase(4, 4, 4, 64), weight, hidden, targets: Uint32Array.of(5, 0, 5, 0) };
    for (const target of [device, portable(device)]) {
      const actual = await run(target, data, ONE_CHUNK);
      expect(columnOf(actual.stats, 3)).toEqual([1, 1, 1, 1]);
      expectReference(actual, data, 3e-6, 1e-5);
    }
  });

  it("gathers the labelled tokens in order and fills up to a multiple of four rows with zeros", async (context) => {
    const device = await deviceOrSkip(context);
    const hidden = tensor(device, "hidden", normals(9 * 3, 1));
    const unused = tensor(device, "unused", new Uint32Array(1));
    const labels = {
      targets: unused,
      rowOfToken: unused,
      sequenceOfRow: unused,
      rowWeights: unused,
      logCollision: unused,
      sequenceGradient: unused,
    };
    const shape = { width: 3, vocabulary: 7, maxTokens: 9, maxLabelled: 9, chunkBytes: ONE_CHUNK };
    const rows = tensor(device, "rows", Uint32Array.of(8, 0, 3, 3, 7, 1, 1, 1));
    const record = (tape: Tape) => gatherLabelled(tape, device, hidden, { ...labels, rows }, shape);
    const { output } = await runOps(device, { tokens: 9, labelled: 5 }, record, { outputLength: 12 * 3 });
    const wanted = [8, 0, 3, 3, 7].flatMap((row) => [...normals(9 * 3, 1).slice(row * 3, row * 3 + 3)]);
    expect([...output]).toEqual([...wanted, ...new Array(7 * 3).fill(0)]);
  });

  it("gives tokens without labels, and a batch of such tokens alone, a gradient of exactly 0", async (context) => {
    const device = await deviceOrSkip(context);
    for (const chunkBytes of [ONE_CHUNK, fourRows(65)]) {
      const none = makeCase(7, 0, 8, 65);
      const empty = await run(device, none, chunkBytes);
      expect([...empty.dhidden, ...empty.dweight]).toEqual(new Array(7 * 8 + 65 * 8).fill(0));
      const some = makeCase(8, 4, 8, 65);
      const { dhidden } = await run(device, some, chunkBytes);
      for (const token of [1, 3, 5, 7]) expect([...dhidden.slice(token * 8, token * 8 + 8)]).toEqual(new Array(8).fill(0));
    }
  });

  it("adds the head's gradients of micro-batches, in one chunk and in many", async (context) => {
    const device = await deviceOrSkip(context);
    const data = makeCase(13, 11, 8, 65);
    const { dweight } = reference(data);
    for (const chunkBytes of [ONE_CHUNK, fourRows(65)]) {
      const thrice = await run(device, data, chunkBytes, [0, 1, 1]);
      expectClose(
        thrice.dweight,
        dweight.map((value) => 3 * value),
        3e-6,
        "d head",
      );
      expectReference(await run(device, data, chunkBytes, [0, 1, 0]), data, 3e-6);
    }
  });

  it("leaves out of the head's gradient what a longer batch has left behind, in one chunk and in many", async (context) => {
    const device = await deviceOrSkip(context);
    const data = makeCase(13, 11, 8, 65);
    const shorter = { ...data, rows: data.rows.slice(0, 5) };
    for (const chunkBytes of [ONE_CHUNK, fourRows(65)]) {
      const { dweight } = await run(device, data, chunkBytes, [0], [11, 5]);
      expectClose(dweight, reference(shorter).dweight, 3e-6, "d head");
    }
  });

  it("keeps what a tied head holds already where a micro-batch has no labelled token", async (context) => {
    const device = await deviceOrSkip(context);
    const none = makeCase(7, 0, 8, 65);
    const weight = tensor(device, "head", none.weight, true);
    const before = normals(65 * 8, 9);
    write(device, weight.gradient!, before);
    const empty = tensor(device, "none", new Uint32Array(1));
    const labels = {
      rows: empty,
      targets: empty,
      sequenceOfRow: empty,
      rowWeights: empty,
      logCollision: empty,
      sequenceGradient: empty,
    };
    const shape = { width: 8, vocabulary: 65, maxTokens: 7, maxLabelled: 9, chunkBytes: fourRows(65) };
    const tape = createTape();
    const x = tensor(device, "x", normals(12 * 8, 3), true);
    linearLogps(tape, device, x, weight, { ...labels, rowOfToken: empty }, shape);
    tape.backward();
    using executor = await createExecutor(device, { all: tape.dispatches });
    executor.run("all", { ...noSizes, tokens: 7, labelled: 0, accumulate: 1 });
    const [after] = await read(device, [{ tensor: weight.gradient!, length: 65 * 8 }]);
    expect(after).toEqual(before);
  });

  it("records no product for a head or hidden states that are frozen", async (context) => {
    const device = await deviceOrSkip(context);
    const counts = [true, false].flatMap((trainHidden) =>
      [true, false].map((trainHead) => {
        const tape = createTape();
        const empty = tensor(device, "none", new Uint32Array(1));
        const labels = {
          rows: empty,
          targets: empty,
          rowOfToken: empty,
          sequenceOfRow: empty,
          rowWeights: empty,
          logCollision: empty,
        };
        const [x, weight] = [tensor(device, "x", normals(32, 1), trainHidden), tensor(device, "head", normals(56, 2), trainHead)];
        const shape = { width: 8, vocabulary: 7, maxTokens: 4, maxLabelled: 4, chunkBytes: ONE_CHUNK };
        linearLogps(tape, device, x, weight, { ...labels, sequenceGradient: empty }, shape);
        const forward = tape.dispatches.length;
        tape.backward();
        return tape.dispatches.slice(forward).filter(({ kernel }) => kernel.name.startsWith("matmul")).length;
      }),
    );
    expect(counts).toEqual([2, 1, 1, 0]);
  });

  it("stays exact at logits of +-1e4: certain, or 2e4 nats from it", async (context) => {
    const device = await deviceOrSkip(context);
    const vocabulary = 65;
    const weight = new Float32Array(vocabulary * 4).fill(-50);
    weight.fill(50, 12, 16);
    const base = makeCase(4, 4, 4, vocabulary);
    const hidden = Float32Array.from({ length: 16 }, (_, i) => (i < 8 ? 50 : -50));
    const data = { ...base, weight, hidden, targets: Uint32Array.of(3, 64, 3, 64) };
    for (const target of [device, portable(device)]) {
      const actual = await run(target, data, ONE_CHUNK);
      expectReference(actual, data, 2e-6, 3e-4);
      expectClose(columnOf(actual.stats, 0), [0, -2e4, -2e4 - Math.log(64), -Math.log(64)], 1e-6, "logp");
      expectClose(columnOf(actual.stats, 2), [0, 0, Math.log(64), Math.log(64)], 1e-6, "entropy");
    }
  });

  it("has a reference whose gradient equals finite differences", () => {
    const data = makeCase(5, 4, 4, 7);
    const dlogps = gradientOfRows(data);
    const loss = (hidden: ArrayLike<number>, weight: ArrayLike<number>) =>
      linearLogpsReference(hidden, weight, data.rows, data.targets, 4).reduce((sum, { logp }, n) => sum + logp * dlogps[n]!, 0);
    const { dhidden, dweight } = reference(data);
    expectClose(
      dhidden,
      finiteDifferences((moved) => loss(moved, data.weight), data.hidden, [...data.hidden.keys()]),
      1e-8,
      "d hidden",
    );
    expectClose(
      dweight,
      finiteDifferences((moved) => loss(data.hidden, moved), data.weight, [...data.weight.keys()]),
      1e-8,
      "d head",
    );
  });

  it("has a reference whose entropy and mean are those of the probabilities written out", () => {
    const [row] = linearLogpsReference([1], [Math.log(1), Math.log(2), Math.log(5)], [0], [1], 1);
    expect(row!.logp).toBeCloseTo(Math.log(0.25), 12);
    expect(row!.entropy).toBeCloseTo(-(0.125 * Math.log(0.125) + 0.25 * Math.log(0.25) + 0.625 * Math.log(0.625)), 12);
    expect(row!.meanLogit).toBeCloseTo(Math.log(10) / 3, 12);
    expect(row!.correct).toBe(0);
  });
});
