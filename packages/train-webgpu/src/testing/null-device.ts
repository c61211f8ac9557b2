import { create, globals } from "webgpu";
import { MATRIX_FEATURE } from "../device/adapter-class.ts";
import type { Device } from "../device/request-device.ts";

/**
 * Dawn's null backend validates shaders and pipelines as for a GPU and runs none: so the kernels for subgroups of 32 and 64 lanes
 * are checked on machines without such a GPU, and those without subgroups at every head size.
 */
export async function nullDevice(lanes: number, adapterClass: "tile" | "matrix" = "tile"): Promise<Device> {
  Object.assign(globalThis, globals);
  const gpu = create(["backend=null", "enable-dawn-features=allow_unsafe_apis"]);
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new Error("Dawn was built without its null backend");
  const device = await adapter.requestDevice({ requiredFeatures: ["subgroups", "shader-f16", MATRIX_FEATURE] });
  return {
    gpu: device,
    adapter: { description: "null", vendor: "", architecture: "" },
    adapterClass,
    ...(adapterClass === "matrix" && { matrixUnit: 16 }),
    lanes,
    features: ["subgroups"],
    maxBindingBytes: device.limits.maxStorageBufferBindingSize,
    environment: {},
    // Held, so that neither is collected while the device is in use.
    lost: device.lost.then((info) => (gpu && adapter ? info : info)),
    [Symbol.dispose]: () => device.destroy(),
  };
}
