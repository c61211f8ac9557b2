import type { RequestDeviceOptions } from "./request-device.ts";

export interface OpenedGpu {
  gpu: GPU;
  adapter: GPUAdapter;
  environment: Record<string, string>;
}

/** Dawn's bindings come before the runtime's own WebGPU: Deno's waits about 12 ms in every read-back. */
async function dawn({ profile, adapterClass }: RequestDeviceOptions): Promise<GPU | undefined> {
  if (typeof document !== "undefined" || typeof process === "undefined") return undefined;
  try {
    const { create, globals } = await import("webgpu");
    for (const [name, value] of Object.entries(globals)) if (!(name in globalThis)) Object.assign(globalThis, { [name]: value });
    // Against fingerprinting, Dawn rounds timestamps to a tenth of a millisecond, which is longer than most launches.
    const flags = profile ? ["disable-dawn-features=timestamp_quantization"] : [];
    if (adapterClass === "matrix") flags.push("enable-dawn-features=allow_unsafe_apis");
    return create(flags);
  } catch (cause) {
    if (typeof navigator !== "undefined" && navigator.gpu) return undefined;
    throw new Error(
      'requestDevice: the npm package "webgpu" could not be loaded on this platform; reinstall it or use a runtime with navigator.gpu',
      { cause },
    );
  }
}

async function adapterOf(gpu: GPU | undefined, options: RequestDeviceOptions): Promise<GPUAdapter | undefined> {
  const { powerPreference } = options;
  return (await gpu?.requestAdapter(powerPreference ? { powerPreference } : {})) ?? undefined;
}

interface SoftwareGpu {
  ensureDriver(options: {
    onProgress?: (progress: { message: string }) => void;
  }): Promise<{ environment: Record<string, string> }>;
  activateDriver(driver: { environment: Record<string, string> }): Promise<unknown>;
}

async function softwareGpu(): Promise<SoftwareGpu | undefined> {
  const name = "@zephyr/software-gpu";
  try {
    return (await import(name)) as SoftwareGpu;
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === "ERR_MODULE_NOT_FOUND" || /Cannot find (module|package)|not found/i.test(String(error))) return undefined;
    throw error;
  }
}

/** Whether this may be a machine with a GPU or an installed driver; where it cannot be, Dawn need not look for one and complain. */
async function mayHaveDriver(): Promise<boolean> {
  if (typeof process === "undefined" || process.platform !== "linux") return true;
  if (process.env["VK_DRIVER_FILES"] || process.env["VK_ICD_FILENAMES"]) return true;
  const { existsSync } = await import("node:fs");
  return ["/dev/dri", "/dev/dxg", "/dev/nvidiactl", "/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"].some((path) =>
    existsSync(path),
  );
}

/** Finds an adapter: Dawn, then the runtime's own, then Dawn again on a software driver. */
export async function openGpu(options: RequestDeviceOptions): Promise<OpenedGpu> {
  const first = (await mayHaveDriver()) ? await dawn(options) : undefined;
  const candidates = [first, typeof navigator === "undefined" ? undefined : navigator.gpu];
  for (const gpu of candidates) {
    const adapter = await adapterOf(gpu, options);
    if (gpu && adapter) return { gpu, adapter, environment: {} };
  }
  if (typeof document !== "undefined") {
    throw new Error(
      "requestDevice: this browser has no WebGPU adapter; open chrome://gpu, or update the browser and its drivers",
    );
  }
  const software = await softwareGpu();
  if (!software) {
    throw new Error(
      "requestDevice: no WebGPU adapter on this machine; install a Vulkan driver, or `npm install @zephyr/software-gpu` to run on the CPU",
    );
  }
  const { onProgress } = options;
  let said = "";
  const driver = await software.ensureDriver({
    onProgress({ message }) {
      if (message !== said) onProgress?.(message);
      said = message;
    },
  });
  await software.activateDriver(driver);
  const gpu = await dawn(options);
  const adapter = await adapterOf(gpu, options);
  if (!gpu || !adapter) {
    throw new Error(
      `requestDevice: the software driver ${JSON.stringify(driver.environment)} gave no adapter; run \`zephyr doctor\` for what was tried`,
    );
  }
  return { gpu, adapter, environment: driver.environment };
}
