import { describe, expect, it } from "vitest";
import { create, globals } from "webgpu";
import type { Device } from "../device/request-device.ts";
import { withinMemory } from "./out-of-memory.ts";
import { allocate } from "./upload.ts";

/** Dawn's null backend has half a gibibyte of memory, which makes it a device that runs out of it. */
async function smallDevice(): Promise<Device> {
  Object.assign(globalThis, globals);
  const gpu = create(["backend=null"]);
  const adapter = await gpu.requestAdapter();
  const device = await adapter!.requestDevice();
  return { gpu: device, lost: device.lost.then((info) => (gpu && adapter ? info : info)) } as unknown as Device;
}

describe("a device whose memory is full", () => {
  it("is an error with a code, and what was allocated is freed", async () => {
    const device = await smallDevice();
    let freed = 0;
    const holding = (buffers: number) => () => {
      const tensors = Array.from({ length: buffers }, () => allocate(device, "w", 200 * 2 ** 20));
      return {
        [Symbol.dispose]() {
          freed++;
          for (const { place } of tensors) place!.buffer.destroy();
        },
      };
    };
    const refused = withinMemory(device, "loadModel", holding(3));
    await expect(refused).rejects.toMatchObject({ code: "ERR_OUT_OF_DEVICE_MEMORY" });
    await expect(refused).rejects.toThrow(/^loadModel: the device has not enough memory/);
    expect(freed).toBe(1);
    using _ = await withinMemory(device, "loadModel", holding(2));
    expect(freed).toBe(1);
  });
});
