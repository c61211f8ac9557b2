import { fixedLanes, matrixUnitOf } from "./adapter-class.ts";
import { openGpu } from "./open-gpu.ts";

/**
 * Rows and columns of the half-float matrices that this machine's adapter multiplies at a time, 16 or 8; undefined where it has no matrix
 * units, and `requestDevice({ adapterClass: "matrix" })` would throw. Throws where no adapter can be had.
 *
 * @example const device = await requestDevice((await matrixUnits()) ? { adapterClass: "matrix" } : {});
 */
export async function matrixUnits(): Promise<8 | 16 | undefined> {
  const { adapter } = await openGpu({ adapterClass: "matrix" });
  return matrixUnitOf(adapter, fixedLanes(adapter));
}
