import { describe, expect, it } from "vitest";
import type { Device } from "../../device/request-device.ts";
import { fromFloat32, toFloat32 } from "../../formats/safetensors/convert.ts";
import { createExecutor } from "../../plan/executor.ts";
import { createTape } from "../../plan/tape.ts";
import { noSizes } from "../../plan/tensor.ts";
import { read } from "../../plan/upload.ts";
import { deviceOrSkip, portable } from "../../testing/device.ts";
import { normals } from "../../testing/numbers.ts";
import { tensor } from "../../testing/tape.ts";
import { halvesReference } from "./halves.reference.ts";
import { blocksOf, halves } from "./halves.ts";

/** Rounds a matrix on the device and returns what it then holds, row by row, k filled up to whole blocks. */
async function rounded(
  device: Device,
  data: Float32Array<ArrayBuffer>,
  shape: { holdsK: boolean; rows: number; k: number; stride: number; offset: number; unit: number },
): Promise<{ values: Float64Array; scales: Float32Array }> {
  const { holdsK, rows, k, stride, offset, unit } = shape;
  const tape = createTape();
  const source = {
    tensor: tensor(device, "source", data),
    holdsK,
    rows: () => rows,
    k: () => k,
    stride: () => stride,
    offset: () => offset,
    most: { rows, k },
  };
  const { blocks, scales } = halves(tape, device, source, unit, 4 * unit);
  using executor = await createExecutor(device, { all: tape.dispatches }, [blocks, scales]);
  executor.run("all", noSizes);
  const padded = blocksOf(k, unit) * unit;
  const [words, factors] = await read(device, [
    { tensor: blocks, length: (blocksOf(rows, 4 * unit) * 4 * unit * padded) / 2 },
    { tensor: scales, length: rows },
  ]);
  const all = toFloat32(new Uint8Array(words!.buffer, words!.byteOffset, words!.byteLength), "F16");
  const values = new Float64Array(rows * padded);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < padded; i++) {
      const block = Math.floor(row / unit) * (padded / unit) + Math.floor(i / unit);
      values[row * padded + i] = all[block * unit * unit + (row % unit) * unit + (i % unit)]! * factors![row]!;
    }
  }
  return { values, scales: factors! };
}

/** Rows of very different magnitudes, one of zeros. */
function ranged(rows: number, k: number): Float32Array<ArrayBuffer> {
  const data = normals(rows * k, 5);
  for (let row = 0; row < rows; row++) {
    const scale = row === 2 ? 0 : 10 ** (((row * 7) % 60) - 30);
    for (let i = 0; i < k; i++) data[row * k + i]! *= scale;
  }
  return data;
}

describe("halves", () => {
  for (const unit of [8, 16]) {
    for (const holdsK of [true, false]) {
      it(`unit ${unit}, stored rows ${holdsK ? "hold" : "are"} k: rounds to 11 bits whatever the row's magnitude, and fills up with zeros`, async (context) => {
        const device = await deviceOrSkip(context);
        for (const target of [device, portable(device)]) {
          for (const [rows, k] of [
            [1, 4],
            [5, 60],
            [33, 16],
            [70, 260],
          ] as const) {
            const x = ranged(rows, k);
            const [stride, first] = [holdsK ? k + 4 : rows + 3, holdsK ? 8 : 5];
            const stored = new Float32Array(first + (holdsK ? rows : k) * stride).fill(3e38);
            for (let row = 0; row < rows; row++) {
              for (let i = 0; i < k; i++) stored[first + (holdsK ? row * stride + i : i * stride + row)] = x[row * k + i]!;
            }
            const { values } = await rounded(target, stored, { holdsK, rows, k, stride, offset: first, unit });
            const expected = halvesReference(x, rows, k);
            const padded = blocksOf(k, unit) * unit;
            for (let row = 0; row < rows; row++) {
              const own = [...values.subarray(row * padded, (row + 1) * padded)];
              expect(own, `row ${row} of ${rows}x${k}`).toEqual([
                ...expected.subarray(row * k, (row + 1) * k),
                ...new Array<number>(padded - k).fill(0),
              ]);
            }
          }
        }
      });
    }
  }

  it("keeps what is not finite, and the other rows with it", async (context) => {
    const device = await deviceOrSkip(context);
    const x = normals(3 * 16, 1);
    x[3] = Number.POSITIVE_INFINITY;
    x[16 + 3] = Number.NaN;
    const { values } = await rounded(device, x, { holdsK: true, rows: 3, k: 16, stride: 16, offset: 0, unit: 16 });
    expect(values[3]).toBe(Number.POSITIVE_INFINITY);
    expect(values[16 + 3]).toBeNaN();
    expect([...values.subarray(32)]).toEqual([...halvesReference(x.subarray(32), 1, 16)]);
  });

  it("is exact where a number has few digits: half floats of their own scale are kept as they are", async (context) => {
    const device = await deviceOrSkip(context);
    const x = toFloat32(fromFloat32(normals(4 * 32, 2), "F16"), "F16");
    const { values, scales } = await rounded(device, x, { holdsK: true, rows: 4, k: 32, stride: 32, offset: 0, unit: 8 });
    expect([...values]).toEqual([...x]);
    for (const scale of scales) expect(Number.isInteger(Math.log2(scale))).toBe(true);
  });
});
