import type { Device } from "./request-device.ts";

/** What kernels are chosen by, and what a buffer may be. */
export type MeasuredTarget = Pick<Device, "lanes" | "adapterClass" | "matrixUnit" | "maxBindingBytes">;

/** A device that allocates nothing and runs nothing: what is built on it tells how much memory it would take. */
export function measuringDevice(target: MeasuredTarget): Device & { allocatedBytes(): number } {
  let bytes = 0;
  const gpu = {
    limits: { maxBufferSize: Number.MAX_SAFE_INTEGER },
    createBuffer({ size }: { size: number }) {
      bytes += size;
      return { destroy() {} };
    },
    queue: { writeBuffer() {} },
  };
  return {
    ...target,
    // Only what allocation touches is there; anything else would be a fault of this module's callers, and throws.
    gpu: gpu as unknown as GPUDevice,
    adapter: { description: "none", vendor: "", architecture: "" },
    features: [],
    environment: {},
    lost: new Promise(() => {}),
    allocatedBytes: () => bytes,
    [Symbol.dispose]() {},
  };
}
