import type { Device } from "../device/request-device.ts";

/**
 * Runs what allocates device memory; throws `ERR_OUT_OF_DEVICE_MEMORY` where the device had not enough, which WebGPU otherwise reports
 * to nobody and answers with buffers that hold nothing.
 */
export async function withinMemory<T extends Disposable>(
  device: Device,
  what: string,
  allocate: () => T | Promise<T>,
): Promise<T> {
  device.gpu.pushErrorScope("out-of-memory");
  let result: T;
  try {
    result = await allocate();
  } catch (error) {
    await device.gpu.popErrorScope();
    throw error;
  }
  const error = await device.gpu.popErrorScope();
  if (!error) return result;
  result[Symbol.dispose]();
  throw Object.assign(
    new Error(
      `${what}: the device has not enough memory (${error.message.split("\n")[0]}); use shorter sequences, fewer rows at a time, activation checkpointing, an adapter, or dtype bf16 or nf4`,
    ),
    { code: "ERR_OUT_OF_DEVICE_MEMORY" },
  );
}
