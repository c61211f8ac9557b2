import type { TestContext } from "vitest";
import { type Device, type RequestDeviceOptions, requestDevice } from "../device/request-device.ts";

const opened = new Map<RequestDeviceOptions["adapterClass"], Promise<Device>>();

async function openOrSkip(context: TestContext, options: RequestDeviceOptions): Promise<Device> {
  const device = opened.get(options.adapterClass) ?? requestDevice(options);
  opened.set(options.adapterClass, device);
  try {
    return await device;
  } catch (error) {
    return context.skip((error as Error).message);
  }
}

/** The device that this test file shares; a test that gets none is reported as skipped, with the reason. */
export const deviceOrSkip = (context: TestContext): Promise<Device> => openOrSkip(context, {});

/** The same with matrix units, which few adapters have. */
export const matrixDeviceOrSkip = (context: TestContext): Promise<Device> => openOrSkip(context, { adapterClass: "matrix" });

/** The same adapter through the kernels that need no subgroups. */
export function portable(device: Device): Device {
  return { ...device, lanes: 1, adapterClass: "portable" };
}

/** The same adapter through the kernels of a GPU with subgroups. */
export function gpuClass(device: Device): Device {
  return { ...device, adapterClass: device.lanes === 1 ? "portable" : "tile" };
}
