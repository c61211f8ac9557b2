import { createProfiler, type Profiler } from "../plan/profiler.ts";
import { type AdapterClass, classifyAdapter, fixedLanes, MATRIX_FEATURE, matrixUnitOf } from "./adapter-class.ts";
import { openGpu } from "./open-gpu.ts";

/** A WebGPU device with what the kernels need to know about it. Dispose it when done. */
export interface Device extends Disposable {
  readonly gpu: GPUDevice;
  readonly adapter: { description: string; vendor: string; architecture: string };
  /** Which family of kernels runs here. */
  readonly adapterClass: AdapterClass;
  /** Rows and columns of the half-float matrices that the adapter multiplies at a time, where matrix units are used. */
  readonly matrixUnit?: 8 | 16;
  /** Invocations of a subgroup that kernels rely on; 1 where subgroups cannot be used. */
  readonly lanes: number;
  readonly features: string[];
  /** Largest storage binding in bytes. */
  readonly maxBindingBytes: number;
  /** Environment variables that had to be set so that a driver was found. */
  readonly environment: Record<string, string>;
  /** Times every launch, where it was asked for. */
  readonly profiler?: Profiler;
  /** Resolves when the device is lost for another reason than disposal. */
  readonly lost: Promise<GPUDeviceLostInfo>;
}

export interface RequestDeviceOptions {
  /**
   * Other kernels than those that the adapter's class says: "portable", which need no subgroups; or "matrix", whose large products round
   * their operands to half floats, scaled row by row, and multiply them on matrix units (throws where there are none).
   */
  adapterClass?: "portable" | "matrix";
  powerPreference?: "low-power" | "high-performance";
  /** Time every launch by timestamp queries: slower, as no two launches overlap. Throws where the adapter has none. */
  profile?: boolean;
  /** Called while a software driver is being prepared. */
  onProgress?: (message: string) => void;
}

// Bun collects Dawn's instance while its device is still in use, and the process dies; these references keep it alive.
const alive = new Set<object>();

/**
 * Opens a WebGPU device: Dawn's Node bindings under Node, Bun and Deno, `navigator.gpu` in a browser, and where no adapter
 * is found a software driver of the optional peer `@zephyr/software-gpu`. Throws when no adapter can be had, saying why.
 *
 * @example
 * using device = await requestDevice();
 * console.log(device.adapter.description, device.adapterClass);
 */
export async function requestDevice(options: RequestDeviceOptions = {}): Promise<Device> {
  const { gpu, adapter, environment } = await openGpu(options);
  const optional: GPUFeatureName[] = ["subgroups", "timestamp-query", "shader-f16"];
  const lanes = options.adapterClass === "portable" ? 1 : fixedLanes(adapter);
  const matrixUnit = options.adapterClass === "matrix" ? matrixUnitOf(adapter, lanes) : undefined;
  if (options.adapterClass === "matrix") {
    if (matrixUnit === undefined)
      throw new Error(
        `requestDevice: ${adapter.info.description} has no matrix units for half floats that WebGPU can use; leave out adapterClass "matrix" (on the command line --fp16)`,
      );
    optional.push(MATRIX_FEATURE);
  }
  const requiredFeatures = optional.filter((name) => adapter.features.has(name));
  const { limits } = adapter;
  const device = await adapter.requestDevice({
    requiredFeatures,
    requiredLimits: {
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxBufferSize: limits.maxBufferSize,
      maxStorageBuffersPerShaderStage: Math.min(10, limits.maxStorageBuffersPerShaderStage),
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
    },
  });
  const handles = [gpu, adapter, device];
  for (const handle of handles) alive.add(handle);
  const { description, vendor, architecture } = adapter.info;
  return {
    gpu: device,
    adapter: { description, vendor, architecture },
    adapterClass: options.adapterClass ?? classifyAdapter(adapter, lanes),
    ...(matrixUnit !== undefined && { matrixUnit }),
    lanes,
    features: [...device.features].sort(),
    maxBindingBytes: device.limits.maxStorageBufferBindingSize,
    environment,
    ...(options.profile && { profiler: createProfiler(device) }),
    lost: new Promise((resolve) => {
      void device.lost.then((info) => info.reason !== "destroyed" && resolve(info));
    }),
    [Symbol.dispose]() {
      device.destroy();
      for (const handle of handles) alive.delete(handle);
    },
  };
}
