import type { Device } from "../../device/request-device.ts";
import { createExecutor } from "../../plan/executor.ts";
import { createTape, type Tape } from "../../plan/tape.ts";
import { noSizes, type Tensor } from "../../plan/tensor.ts";
import { allocate, settled, write } from "../../plan/upload.ts";
import { elementGroups, type KernelTarget, withPrelude } from "../prelude/prelude.ts";
import copy from "./copy.wgsl" with { type: "text" };
import multiplyAdd from "./multiply-add.wgsl" with { type: "text" };

/** What an adapter reaches at most (Williams et al. 2009, the roofline model). */
export interface Roof {
  flopsPerSecond: number;
  bytesPerSecond: number;
}

const OPERATIONS_PER_ELEMENT = 512 * 8 * 2;

/** Records both kernels: arithmetic in registers over x, and a copy of x to y. */
export function recordRoof(tape: Tape, target: KernelTarget, x: Tensor, y: Tensor): void {
  const elements = x.bytes / 4;
  tape.run(
    withPrelude(target, "roof multiply-add", multiplyAdd),
    [x],
    () => ({ elements }),
    () => [elementGroups(elements)],
    () => ({ flops: elements * OPERATIONS_PER_ELEMENT, bytes: 0 }),
  );
  const fours = elements / 4;
  tape.run(
    withPrelude(target, "roof copy", copy),
    [x, y],
    () => ({ fours }),
    () => [elementGroups(fours)],
    () => ({ flops: 0, bytes: 2 * x.bytes }),
  );
}

/** Measures an adapter's roof by its profiler, the best of five runs. Throws for a device that was requested without `profile`. */
export async function measureRoof(device: Device): Promise<Roof> {
  const { profiler } = device;
  if (!profiler) throw new Error("measureRoof: this device has no profiler; request it with { profile: true }");
  const bytes = device.adapterClass === "software" ? 2 ** 22 : 2 ** 27;
  const [x, y] = [allocate(device, "roof x", bytes), allocate(device, "roof y", bytes)];
  write(device, x, new Float32Array(bytes / 4).fill(1));
  const tape = createTape();
  recordRoof(tape, device, x, y);
  const roof = { flopsPerSecond: 0, bytesPerSecond: 0 };
  using executor = await createExecutor(device, { roof: tape.dispatches });
  await profiler.report();
  for (let round = 0; round < 5; round++) {
    executor.run("roof", noSizes);
    await settled(device);
    for (const profile of await profiler.report()) {
      const seconds = profile.milliseconds / 1000;
      roof.flopsPerSecond = Math.max(roof.flopsPerSecond, profile.flops / seconds);
      roof.bytesPerSecond = Math.max(roof.bytesPerSecond, profile.bytes / seconds);
    }
  }
  for (const tensor of [x, y]) tensor.place!.buffer.destroy();
  return roof;
}
