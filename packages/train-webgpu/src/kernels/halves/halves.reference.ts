import { fromFloat32, toFloat32 } from "../../formats/safetensors/convert.ts";

/** The power of two that brings a row's largest magnitude to [2^14, 2^15), below the largest half float and far above the smallest. */
export function halvesFactor(largest: number): number {
  const exponent = largest === 0 ? -127 : Math.max(-127, Math.floor(Math.log2(largest)));
  return 2 ** Math.min(120, 14 - exponent);
}

/** x [rows, columns] as it is after each row was scaled, rounded to half floats, and scaled back. */
export function halvesReference(x: ArrayLike<number>, rows: number, columns: number): Float64Array {
  const rounded = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const own = Array.from({ length: columns }, (_, i) => x[row * columns + i]!);
    const factor = halvesFactor(Math.max(...own.map(Math.abs)));
    const halves = toFloat32(
      fromFloat32(
        Float32Array.from(own, (value) => value * factor),
        "F16",
      ),
      "F16",
    );
    halves.forEach((half, i) => {
      rounded[row * columns + i] = half / factor;
    });
  }
  return rounded;
}
