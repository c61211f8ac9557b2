import type { Device } from "../../device/request-device.ts";
import type { Kernel } from "../../plan/pipeline.ts";
import linear from "./linear.wgsl" with { type: "text" };
import portable from "./portable.wgsl" with { type: "text" };
import subgroups from "./subgroups.wgsl" with { type: "text" };

/** What kernels need to know of a device; a row is reduced by `lanes` invocations. */
export type KernelTarget = Pick<Device, "lanes" | "adapterClass" | "matrixUnit" | "maxBindingBytes">;

/** Puts the reductions for the device's subgroups in front of a kernel's WGSL. */
export function withPrelude(target: KernelTarget, name: string, wgsl: string): Kernel {
  const lanes = `const LANES = ${target.lanes}u;\n`;
  const text = target.lanes > 1 ? `enable subgroups;\n${subgroups}${lanes}${linear}` : `${portable}${lanes}${linear}`;
  return { name, wgsl: `${text}\n${wgsl}` };
}

/** Rows that one workgroup of a row kernel owns. */
export function rowsPerWorkgroup(target: KernelTarget): number {
  return target.lanes > 1 ? 1 : 32;
}

/** Workgroups of a row kernel. */
export function rowGroups(target: KernelTarget, rows: number): number {
  return Math.ceil(rows / rowsPerWorkgroup(target));
}

export const ELEMENTS_PER_WORKGROUP = 64;

/** Workgroups of a kernel with one invocation per element. */
export function elementGroups(elements: number): number {
  return Math.ceil(elements / ELEMENTS_PER_WORKGROUP);
}
