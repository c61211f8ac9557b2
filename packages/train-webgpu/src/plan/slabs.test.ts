import { describe, expect, it } from "vitest";
import { bytesOf, flatSlabs, rowSlabs, scaleBytesOf } from "./slabs.ts";
import type { StorageFormat, Tensor } from "./tensor.ts";

const buffer = {} as GPUBuffer;

function matrix(format: StorageFormat, rows: number, columns: number, offset = 0): Tensor {
  const plain = { needsGradient: false, place: { buffer, offset } };
  const scales = { ...plain, name: "scales", bytes: scaleBytesOf(rows * columns), place: { buffer, offset: 0 } };
  return { ...plain, name: "w", bytes: bytesOf(format, rows * columns), format, ...(format === "nf4" && { scales }) };
}

const aligned = (tensor: Tensor): boolean => tensor.place!.offset % 256 === 0;

describe("row slabs", () => {
  it("leave a matrix that fits as it is, to the byte", () => {
    const w = matrix("f32", 10, 12);
    expect(rowSlabs(w, 12, 480)).toEqual([{ tensor: w, firstRow: 0, rows: 10 }]);
    expect(rowSlabs(matrix("f32", 100, 64), 64, 25_599).length).toBeGreaterThan(1);
  });

  for (const format of ["f32", "bf16", "f16", "nf4"] as const) {
    for (const [rows, columns] of [
      [1000, 64],
      [1003, 24],
      [2517, 200],
      [4096, 8],
    ] as const) {
      it(`of ${format} [${rows}, ${columns}] cover it once, each within the limit, aligned, in multiples of 4 rows`, () => {
        const w = matrix(format, rows, columns, 512);
        const limit = Math.max(Math.floor(w.bytes / 2.5), bytesOf(format, 1024 * columns));
        const slabs = rowSlabs(w, columns, limit);
        let row = 0;
        for (const [index, slab] of slabs.entries()) {
          expect(slab.firstRow).toBe(row);
          expect(slab.tensor.bytes).toBeLessThanOrEqual(limit);
          expect(slab.tensor.bytes).toBe(slabs.length === 1 ? w.bytes : bytesOf(format, slab.rows * columns));
          expect(slab.tensor.place!.offset).toBe(512 + bytesOf(format, row * columns));
          expect(aligned(slab.tensor)).toBe(true);
          if (slab.tensor.scales && slabs.length > 1) {
            expect(aligned(slab.tensor.scales)).toBe(true);
            expect(slab.tensor.scales.place!.offset).toBe(((row * columns) / 64) * 2);
            expect(slab.tensor.scales.bytes).toBe(scaleBytesOf(slab.rows * columns));
          }
          if (index < slabs.length - 1) expect(slab.rows % 4).toBe(0);
          row += slab.rows;
        }
        expect(row).toBe(rows);
      });
    }
  }

  it("of a vector end where it ends", () => {
    const bytes = flatSlabs(matrix("f32", 1, 1001), 1024).map((slab) => slab.bytes);
    expect(bytes).toEqual([1024, 1024, 1024, 932]);
  });

  it("are refused where a limit holds too few rows, and of temporaries", () => {
    expect(() => rowSlabs(matrix("f32", 100, 1000), 1000, 15_999)).toThrow(/8 rows of "w" need 32000 bytes in one binding/);
    const { place: _, ...temporary } = matrix("f32", 100, 64);
    expect(() => rowSlabs(temporary, 64, 1024)).toThrow(/"w" of 25600 bytes is a temporary/);
  });
});
