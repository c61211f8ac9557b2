import type { TestContext } from "vitest";
import { type Device, requestDevice } from "../device/request-device.ts";

let opened: Promise<Device> | undefined;
let reason = "";

/** The device that this test file shares; a test that gets none is reported as skipped, with the reason. */
export async function deviceOrSkip(context: TestContext): Promise<Device> {
  opened ??= requestDevice();
  try {
    return await opened;
  } catch (error) {
    reason = (error as Error).message;
    return context.skip(reason);
  }
}

/** The same adapter through the kernels that need no subgroups. */
export function portable(device: Device): Device {
  return { ...device, lanes: 1, adapterClass: "portable" };
}

/** The same adapter through the kernels of a GPU with subgroups. */
export function gpuClass(device: Device): Device {
  return { ...device, adapterClass: device.lanes === 1 ? "portable" : "tile" };
}
