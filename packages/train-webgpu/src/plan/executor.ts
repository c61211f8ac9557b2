import type { Device } from "../device/request-device.ts";
import { planMemory } from "./memory.ts";
import { compile, type Pipeline } from "./pipeline.ts";
import type { Dispatch } from "./tape.ts";
import type { Params, Sizes, Tensor } from "./tensor.ts";

/** Bytes of a launch's parameters in the uniform buffer. */
export const BLOCK = 256;
const MAX_GROUPS = 65_535;

/** A sequence of launches, compiled and placed; `run` replays one phase of it for the sizes of a batch. */
export interface Executor extends Disposable {
  /** Bytes of device memory that the temporaries take. */
  readonly temporaryBytes: number;
  /** Encodes and submits one phase. Nothing is read back. */
  run(phase: string, sizes: Sizes): void;
}

interface Launch {
  pipeline: Pipeline;
  group: GPUBindGroup;
  dispatch: Dispatch;
  block: number;
}

/**
 * Compiles every kernel of the phases, places their temporaries by lifetime over all phases in the order given, and builds the
 * bind groups. Throws where a kernel does not compile, or a tensor exceeds the device's binding limit.
 */
export async function createExecutor(device: Device, phases: Record<string, Dispatch[]>, keep: Tensor[] = []): Promise<Executor> {
  const all = Object.values(phases).flat();
  const memory = planMemory(all, new Set(keep));
  const pipelines = await compileAll(device, all);
  const buffers = memory.slots.map((slot, index) => {
    for (const tensor of slot.tensors) checkBinding(device, tensor.bytes, tensor.name);
    const buffer = device.gpu.createBuffer({ label: `slot ${index}`, size: slot.bytes, usage: STORAGE });
    for (const tensor of slot.tensors) tensor.place = { buffer, offset: 0 };
    return buffer;
  });
  const uniforms = device.gpu.createBuffer({ label: "params", size: Math.max(1, all.length) * BLOCK, usage: UNIFORM });
  const words = new ArrayBuffer(all.length * BLOCK);
  let block = 0;
  const launches = new Map<string, Launch[]>();
  for (const [phase, dispatches] of Object.entries(phases)) {
    launches.set(
      phase,
      dispatches.map((dispatch) => {
        const pipeline = pipelines.get(dispatch.kernel.wgsl)!;
        const launch = { pipeline, dispatch, block: block++, group: bind(device, pipeline, dispatch, uniforms, block - 1) };
        return launch;
      }),
    );
  }
  return {
    temporaryBytes: memory.bytes,
    run(phase, sizes) {
      const list = launches.get(phase);
      if (!list) throw new Error(`run: no phase "${phase}"; there are ${[...launches.keys()].join(", ")}`);
      if (list.length === 0) return;
      for (const launch of list) {
        pack(
          new DataView(words, launch.block * BLOCK, BLOCK),
          launch.pipeline,
          launch.dispatch.params(sizes),
          launch.dispatch.kernel.name,
        );
      }
      const first = list[0]!.block * BLOCK;
      device.gpu.queue.writeBuffer(uniforms, first, words, first, list.length * BLOCK);
      encode(device, list, sizes);
    },
    [Symbol.dispose]() {
      uniforms.destroy();
      for (const buffer of buffers) buffer.destroy();
    },
  };
}

export const STORAGE = 0x80 | 0x04 | 0x08;
const UNIFORM = 0x40 | 0x08;

async function compileAll(device: Device, dispatches: Dispatch[]): Promise<Map<string, Pipeline>> {
  const kernels = new Map(dispatches.map((dispatch) => [dispatch.kernel.wgsl, dispatch.kernel]));
  const compiled = await Promise.all(
    [...kernels.values()].map(async (kernel) => [kernel.wgsl, await compile(device, kernel)] as const),
  );
  return new Map(compiled);
}

function checkBinding(device: Device, bytes: number, name: string): void {
  if (bytes > device.maxBindingBytes) {
    throw new RangeError(
      `createExecutor: "${name}" needs ${mib(bytes)} MiB in one binding, the device allows ${mib(device.maxBindingBytes)} MiB; use fewer tokens per batch`,
    );
  }
}

const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

function bind(device: Device, pipeline: Pipeline, dispatch: Dispatch, uniforms: GPUBuffer, block: number): GPUBindGroup {
  const { kernel, tensors } = dispatch;
  if (tensors.length !== pipeline.access.length) {
    throw new Error(
      `createExecutor: kernel "${kernel.name}" has ${pipeline.access.length} storage bindings, was given ${tensors.length}`,
    );
  }
  const entries: GPUBindGroupEntry[] = tensors.map((tensor, index) => {
    if (!tensor.place) throw new Error(`createExecutor: tensor "${tensor.name}" of kernel "${kernel.name}" has no place`);
    checkBinding(device, tensor.bytes, tensor.name);
    return { binding: index + 1, resource: { ...tensor.place, size: tensor.bytes } };
  });
  entries.unshift({ binding: 0, resource: { buffer: uniforms, offset: block * BLOCK, size: BLOCK } });
  return device.gpu.createBindGroup({ label: kernel.name, layout: pipeline.pipeline.getBindGroupLayout(0), entries });
}

function pack(view: DataView, pipeline: Pipeline, params: Params, kernel: string): void {
  pipeline.fields.forEach(({ name, type }, index) => {
    const value = params[name];
    if (value === undefined) throw new Error(`run: kernel "${kernel}" needs the parameter "${name}"`);
    if (type === "u32") view.setUint32(index * 4, value, true);
    else view.setFloat32(index * 4, value, true);
  });
}

function encode({ gpu, profiler }: Device, launches: Launch[], sizes: Sizes): void {
  const wanted = launches.filter(({ dispatch }) => dispatch.grid(sizes).every((count) => count !== 0));
  if (profiler) {
    for (let first = 0; first < wanted.length; first += profiler.maxLaunches) {
      const some = wanted.slice(first, first + profiler.maxLaunches);
      const encoder = gpu.createCommandEncoder();
      const dispatches = some.map(({ dispatch }) => dispatch);
      profiler.encode(encoder, dispatches, sizes, (pass, index) => launch(pass, some[index]!, sizes));
      gpu.queue.submit([encoder.finish()]);
      profiler.submitted();
    }
    return;
  }
  const encoder = gpu.createCommandEncoder();
  const pass = encoder.beginComputePass();
  for (const one of wanted) launch(pass, one, sizes);
  pass.end();
  gpu.queue.submit([encoder.finish()]);
}

function launch(pass: GPUComputePassEncoder, { pipeline, group, dispatch }: Launch, sizes: Sizes): void {
  const [x, y = 1, z = 1] = dispatch.grid(sizes);
  pass.setPipeline(pipeline.pipeline);
  pass.setBindGroup(0, group);
  if (x > MAX_GROUPS && y === 1) pass.dispatchWorkgroups(MAX_GROUPS, Math.ceil(x / MAX_GROUPS), z);
  else pass.dispatchWorkgroups(x, y, z);
}
