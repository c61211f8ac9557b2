import { describe, expect, it } from "vitest";
import type { Device } from "../../device/request-device.ts";
import { deviceOrSkip, portable } from "../../testing/device.ts";
import { expectClose, normals } from "../../testing/numbers.ts";
import { runOps, tensor } from "../../testing/tape.ts";
import { sequenceSumsReference } from "./sequence-sums.reference.ts";
import { sequenceSums } from "./sequence-sums.ts";

const offsetsOf = (lengths: number[]): Uint32Array<ArrayBuffer> => {
  const offsets = new Uint32Array(lengths.length + 1);
  lengths.forEach((length, s) => {
    offsets[s + 1] = offsets[s]! + length;
  });
  return offsets;
};

async function run(
  device: Device,
  offsets: Uint32Array<ArrayBuffer>,
  rows: Float32Array<ArrayBuffer>,
  weights: Float32Array<ArrayBuffer>,
): Promise<Float32Array> {
  const sequences = offsets.length - 1;
  const inputs = {
    rowOffsets: tensor(device, "offsets", offsets),
    rowStats: tensor(device, "row stats", rows),
    rowWeights: tensor(device, "weights", weights),
    logCollision: tensor(device, "log collision", new Float32Array(Math.max(1, weights.length))),
    maxSequences: sequences,
  };
  const { output } = await runOps(device, { sequences }, (tape) => sequenceSums(tape, device, inputs).sums, {
    outputLength: sequences * 4,
  });
  return output;
}

describe("sequence-sums", () => {
  for (const lengths of [[1], [7], [63, 64, 65, 257], [0, 3, 0, 0, 8, 9, 0], Array.from({ length: 65 }, (_, s) => s % 5)]) {
    const rowCount = lengths.reduce((sum, length) => sum + length, 0);
    it(`equals the float64 reference for ${lengths.length} sequences of ${rowCount} rows in all`, async (context) => {
      const device = await deviceOrSkip(context);
      const [offsets, rows, weights] = [offsetsOf(lengths), normals(rowCount * 4, 1), normals(rowCount, 2)];
      for (const target of [device, portable(device)]) {
        const sums = await run(target, offsets, rows, weights);
        expectClose(sums, sequenceSumsReference(offsets, rows, weights), 2e-6, "sums");
      }
    });
  }

  it("gives an empty sequence exactly 0 in every column", async (context) => {
    const device = await deviceOrSkip(context);
    const sums = await run(device, Uint32Array.of(0, 0, 2, 2), normals(8, 3), normals(2, 4));
    expect([...sums.slice(0, 4), ...sums.slice(8)]).toEqual(new Array(8).fill(0));
  });

  it("weights the log-probabilities and nothing else", async (context) => {
    const device = await deviceOrSkip(context);
    const rows = Float32Array.of(-1, 10, 100, 1, -2, 20, 200, 1, -4, 40, 400, 0);
    for (const target of [device, portable(device)]) {
      expect([...(await run(target, Uint32Array.of(0, 3), rows, Float32Array.of(1, 0.5, 0)))]).toEqual([-2, 70, 700, 2]);
    }
  });

  it("gives a sequence the same bits wherever its rows lie in the batch", async (context) => {
    const device = await deviceOrSkip(context);
    const [rows, weights] = [normals(37 * 4, 5), normals(37, 6)];
    const alone = await run(device, Uint32Array.of(0, 37), rows, weights);
    for (const before of [1, 5, 8, 29]) {
      const shiftedRows = Float32Array.from([...normals(before * 4, 7), ...rows]);
      const shiftedWeights = Float32Array.from([...normals(before, 8), ...weights]);
      const sums = await run(device, Uint32Array.of(0, before, before + 37), shiftedRows, shiftedWeights);
      expect(sums.slice(4)).toEqual(alone);
    }
  });

  it("sums rows of -1e4 nats, 2,000 of them, to float32 accuracy", async (context) => {
    const device = await deviceOrSkip(context);
    const rows = new Float32Array(8000).fill(-1e4);
    const sums = await run(device, Uint32Array.of(0, 2000), rows, new Float32Array(2000).fill(1));
    expectClose(sums, new Float64Array(4).fill(-2e7), 1e-6);
  });
});
