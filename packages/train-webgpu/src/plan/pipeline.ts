import type { Device } from "../device/request-device.ts";

/** A compute shader: its whole WGSL text. Bindings and the uniform's layout are read from that text, never written twice. */
export interface Kernel {
  readonly name: string;
  readonly wgsl: string;
}

export type ParamType = "u32" | "f32";

export interface Pipeline {
  pipeline: GPUComputePipeline;
  /** Access of each storage binding, from binding 1 on. */
  access: ("read" | "read_write")[];
  /** Fields of `struct Params`, in order, 4 bytes each. */
  fields: { name: string; type: ParamType }[];
}

const pipelines = new WeakMap<GPUDevice, Map<string, Promise<Pipeline>>>();

/** Compiles a kernel, or returns the pipeline compiled from the same text before on this device. Throws with the compiler's lines. */
export function compile(device: Device, kernel: Kernel): Promise<Pipeline> {
  let cache = pipelines.get(device.gpu);
  if (!cache) {
    cache = new Map();
    pipelines.set(device.gpu, cache);
  }
  let compiled = cache.get(kernel.wgsl);
  if (!compiled) {
    compiled = build(device.gpu, kernel);
    cache.set(kernel.wgsl, compiled);
  }
  return compiled;
}

async function build(gpu: GPUDevice, kernel: Kernel): Promise<Pipeline> {
  const { access, fields } = interfaceOf(kernel);
  const module = gpu.createShaderModule({ label: kernel.name, code: kernel.wgsl });
  const errors = (await module.getCompilationInfo()).messages.filter((message) => message.type === "error");
  if (errors.length > 0) {
    const lines = errors.map((e) => `line ${e.lineNum}: ${e.message}\n  ${kernel.wgsl.split("\n")[e.lineNum - 1]}`).join("\n");
    throw new Error(`compile: kernel "${kernel.name}" is not valid WGSL\n${lines}`);
  }
  const uniform: GPUBindGroupLayoutEntry = { binding: 0, visibility: 4, buffer: { type: "uniform" } };
  const storage = access.map((mode, index): GPUBindGroupLayoutEntry => {
    return { binding: index + 1, visibility: 4, buffer: { type: mode === "read" ? "read-only-storage" : "storage" } };
  });
  const bindGroupLayout = gpu.createBindGroupLayout({ entries: [uniform, ...storage] });
  const pipeline = await gpu.createComputePipelineAsync({
    label: kernel.name,
    layout: gpu.createPipelineLayout({ bindGroupLayouts: [bindGroupLayout] }),
    compute: { module, entryPoint: "main" },
  });
  return { pipeline, access, fields };
}

/** Reads the bindings and the fields of `struct Params` from the WGSL text. */
export function interfaceOf({ name, wgsl }: Kernel): Pick<Pipeline, "access" | "fields"> {
  const access: Pipeline["access"] = [];
  for (const [, binding, mode] of wgsl.matchAll(/@group\(0\)\s*@binding\((\d+)\)\s*var<storage,\s*(read_write|read)>/g)) {
    access[Number(binding) - 1] = mode as "read" | "read_write";
  }
  const body = /struct Params\s*\{([^}]*)\}/.exec(wgsl)?.[1];
  if (body === undefined)
    throw new Error(`compile: kernel "${name}" has no struct Params; every kernel takes its sizes from one`);
  const fields = [...body.replaceAll(/\/\/.*$/gm, "").matchAll(/(\w+)\s*:\s*(u32|f32)/g)].map(([, field, type]) => ({
    name: field!,
    type: type as ParamType,
  }));
  return { access, fields };
}
