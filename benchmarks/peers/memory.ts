import type { Device } from "@zephyr/train-webgpu";
import type { ModelShape } from "./settings.ts";
import { openRun } from "./training-step.ts";

/** MiB of all buffers alive at the peak of a training step on one sequence of `length` tokens, weights and moments included. */
export async function peakMemory(device: Device, model: ModelShape, length: number): Promise<number> {
  using buffers = countBuffers(device.gpu);
  {
    await using run = await openRun(device, model, 1, length);
    await run.step();
  }
  if (buffers.bytes() !== 0) throw new Error(`peakMemory: ${buffers.bytes()} bytes are still held after the run was disposed`);
  return Math.round((buffers.peakBytes() / 2 ** 20) * 100) / 100;
}

interface BufferCount extends Disposable {
  /** Bytes of the buffers created since and not yet destroyed. */
  bytes(): number;
  peakBytes(): number;
}

/** Counts what the device allocates until disposed, by standing in front of `createBuffer` and each buffer's `destroy`. */
function countBuffers(gpu: GPUDevice): BufferCount {
  const alive = new Map<GPUBuffer, number>();
  let bytes = 0;
  let peak = 0;
  const create = gpu.createBuffer;
  gpu.createBuffer = (descriptor) => {
    const buffer = create.call(gpu, descriptor);
    const destroy = buffer.destroy;
    buffer.destroy = () => {
      bytes -= alive.get(buffer) ?? 0;
      alive.delete(buffer);
      return destroy.call(buffer);
    };
    alive.set(buffer, buffer.size);
    bytes += buffer.size;
    peak = Math.max(peak, bytes);
    return buffer;
  };
  return {
    bytes: () => bytes,
    peakBytes: () => peak,
    [Symbol.dispose]() {
      gpu.createBuffer = create;
    },
  };
}
