import type { Device } from "./request-device.ts";

/** What work on a device ends with once the device is gone: a driver that was reset, a GPU that was taken away. */
export type DeviceLostError = Error & { code: "ERR_DEVICE_LOST"; reason: GPUDeviceLostReason };

/**
 * The error to throw for one that work on a device ended with: where the device is gone, which WebGPU tells by an AbortError without a
 * word, an error with code `ERR_DEVICE_LOST` that says so; else the error itself.
 *
 * @example
 * try { await work(); } catch (error) { throw await deviceError(device, error); }
 */
export async function deviceError({ gpu, adapter }: Pick<Device, "gpu" | "adapter">, error: unknown): Promise<unknown> {
  const turn = new Promise<undefined>((resolve) => setTimeout(resolve, 0));
  const info = await Promise.race([gpu.lost, turn]);
  if (info === undefined) return error;
  const { reason, message } = info;
  const said = message === "" ? reason : `${reason}: ${message}`;
  return Object.assign(
    new Error(
      `the device ${adapter.description} was lost (${said}), and with it all that was on it; open it again, or go on from a checkpoint`,
      {
        cause: error,
      },
    ),
    { code: "ERR_DEVICE_LOST" as const, reason },
  ) satisfies DeviceLostError;
}
