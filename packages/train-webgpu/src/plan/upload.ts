import { deviceError } from "../device/device-lost.ts";
import type { Device } from "../device/request-device.ts";
import { STORAGE } from "./executor.ts";
import type { Tensor } from "./tensor.ts";

export type DeviceArray = Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** A persistent tensor of its own buffer; beyond the binding limit it is bound a slab of rows at a time. */
export function allocate(device: Device, name: string, bytes: number, gradient?: Tensor): Tensor {
  const { maxBufferSize } = device.gpu.limits;
  if (bytes > maxBufferSize) {
    throw new RangeError(`allocate: "${name}" needs ${bytes} bytes in one buffer, the device allows ${maxBufferSize}`);
  }
  const buffer = device.gpu.createBuffer({ label: name, size: Math.max(4, bytes), usage: STORAGE });
  return {
    name,
    bytes: Math.max(4, bytes),
    place: { buffer, offset: 0 },
    needsGradient: gradient !== undefined,
    ...(gradient && { gradient }),
  };
}

/** Writes numbers into a tensor, from its start or from a byte of it. */
export function write(device: Device, tensor: Tensor, data: DeviceArray, firstByte = 0): void {
  if (firstByte + data.byteLength > tensor.bytes)
    throw new RangeError(`write: ${data.byteLength} bytes do not fit "${tensor.name}" of ${tensor.bytes} from byte ${firstByte}`);
  if (data.length > 0) device.gpu.queue.writeBuffer(tensor.place!.buffer, tensor.place!.offset + firstByte, data);
}

/** Waits until everything written has arrived, so that the copies on their way take no more memory. */
export async function settled(device: Device): Promise<void> {
  device.gpu.queue.submit([]);
  await arrival(device, device.gpu.queue.onSubmittedWorkDone());
}

/** Reads the first `length` floats of each tensor, in one round trip. */
export async function read(device: Device, tensors: { tensor: Tensor; length: number }[]): Promise<Float32Array<ArrayBuffer>[]> {
  const offsets: number[] = [];
  let bytes = 0;
  for (const { length } of tensors) {
    offsets.push(bytes);
    bytes += length * 4;
  }
  const staging = device.gpu.createBuffer({ size: Math.max(4, bytes), usage: 0x01 | 0x08 });
  const encoder = device.gpu.createCommandEncoder();
  tensors.forEach(({ tensor, length }, index) => {
    if (length > 0) encoder.copyBufferToBuffer(tensor.place!.buffer, tensor.place!.offset, staging, offsets[index]!, length * 4);
  });
  device.gpu.queue.submit([encoder.finish()]);
  await arrival(device, staging.mapAsync(0x01));
  const mapped = staging.getMappedRange();
  const copies = tensors.map(
    ({ length }, index) => new Float32Array(mapped.slice(offsets[index]!, offsets[index]! + length * 4)),
  );
  staging.destroy();
  return copies;
}

/** Waits for the device; throws `ERR_DEVICE_LOST` where it is gone. */
async function arrival(device: Device, promise: Promise<undefined>): Promise<void> {
  try {
    await patiently(device, promise);
  } catch (error) {
    throw await deviceError(device, error);
  }
}

const NAP_MS = 0.25;
/** Made when first needed: a page that is not isolated from other origins has no SharedArrayBuffer, and never naps. */
let napCell: Int32Array<SharedArrayBuffer> | undefined;

/**
 * Waits for the device. Dawn's Node bindings poll in a busy loop meanwhile; where the device is the same processor, that takes a core
 * from it, so the loop is slowed down by short sleeps.
 */
async function patiently<T>(device: Device, promise: Promise<T>): Promise<T> {
  if (device.adapterClass !== "software" || typeof setImmediate === "undefined") return promise;
  napCell ??= new Int32Array(new SharedArrayBuffer(4));
  let waiting = true;
  const settled = () => {
    waiting = false;
  };
  promise.then(settled, settled);
  while (waiting) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (waiting) Atomics.wait(napCell, 0, 0, NAP_MS);
  }
  return promise;
}
