/** Runs the WGSL twin of a loss on a WebGPU adapter, in the place of the trainer. */

import { activateDriver, ensureDriver } from "@zephyr/software-gpu";
import { create, globals } from "webgpu";
import type {
  PreferenceLogps,
  PreferenceLossOutput,
  UnpairedLogps,
  UnpairedLossOutput,
} from "../../packages/losses/src/types.ts";

/** The functions a twin may call, over one buffer of inputs: field f of entry i is `fields[f * count + i]`. */
const HOST = `
@group(0) @binding(0) var<storage, read> fields: array<f32>;
@group(0) @binding(1) var<storage, read> option_values: array<f32>;
@group(0) @binding(2) var<storage, read_write> results: array<f32>;
@group(0) @binding(3) var<storage, read_write> scratch: array<f32>;

fn entry_count() -> u32 { return arrayLength(&results) / 5u; }
fn field(f: u32, i: u32) -> f32 { return fields[f * entry_count() + i]; }
fn loss_option(k: u32) -> f32 { return option_values[k]; }
fn loss_scratch_get(k: u32) -> f32 { return scratch[k]; }
fn loss_scratch_set(k: u32, v: f32) { scratch[k] = v; }
`;

const PAIRED_HOST = `${HOST}
fn chosen_logps(i: u32) -> f32 { return field(0u, i); }
fn rejected_logps(i: u32) -> f32 { return field(1u, i); }
fn ref_chosen_logps(i: u32) -> f32 { return field(2u, i); }
fn ref_rejected_logps(i: u32) -> f32 { return field(3u, i); }
fn chosen_length(i: u32) -> f32 { return field(4u, i); }
fn rejected_length(i: u32) -> f32 { return field(5u, i); }
fn pair_weight(i: u32) -> f32 { return field(6u, i); }
fn store_pair(i: u32, loss: f32, chosen_grad: f32, rejected_grad: f32, chosen_reward: f32, rejected_reward: f32) {
  results[5u * i] = loss;
  results[5u * i + 1u] = chosen_grad;
  results[5u * i + 2u] = rejected_grad;
  results[5u * i + 3u] = chosen_reward;
  results[5u * i + 4u] = rejected_reward;
}
@compute @workgroup_size(1) fn main() { preference_loss(entry_count()); }
`;

const UNPAIRED_HOST = `${HOST}
fn logps(i: u32) -> f32 { return field(0u, i); }
fn ref_logps(i: u32) -> f32 { return field(1u, i); }
fn label(i: u32) -> bool { return field(2u, i) > 0.0; }
fn store_unpaired(i: u32, loss: f32, grad: f32, reward: f32) {
  results[5u * i] = loss;
  results[5u * i + 1u] = grad;
  results[5u * i + 2u] = reward;
}
@compute @workgroup_size(1) fn main() { unpaired_loss(entry_count()); }
`;

export interface Twins {
  paired(loss: { wgsl: string; wgslOptions: readonly number[] }, batch: PreferenceLogps): Promise<PreferenceLossOutput>;
  unpaired(loss: { wgsl: string }, options: readonly number[], batch: UnpairedLogps): Promise<UnpairedLossOutput>;
}

/** Dawn aborts the process when an instance or adapter is collected while its device lives. */
const kept: unknown[] = [];

/** A GPU, or else a software driver; null where neither can be had. */
async function openAdapter(): Promise<{ gpu: GPU; adapter: GPUAdapter } | null> {
  const request = async () => {
    const gpu = create([]);
    const adapter = await gpu.requestAdapter().catch(() => null);
    return adapter && { gpu, adapter };
  };
  const found = await request();
  if (found) return found;
  const driver = await ensureDriver().catch(() => null);
  if (driver === null) return null;
  await activateDriver(driver);
  return request();
}

/** A device to run twins on, or null when this machine has no WebGPU adapter. */
export async function openTwins(): Promise<Twins | null> {
  Object.assign(globalThis, globals);
  const opened = await openAdapter();
  if (opened === null) return null;
  const { gpu, adapter } = opened;
  const device = await adapter.requestDevice();
  kept.push(gpu, adapter, device);
  const pipelines = new Map<string, Promise<GPUComputePipeline>>();
  const compile = (code: string): Promise<GPUComputePipeline> => {
    const module = device.createShaderModule({ code });
    return device.createComputePipelineAsync({ layout: "auto", compute: { module } });
  };
  const upload = (values: ArrayLike<number>): GPUBuffer => {
    const size = Math.max(values.length, 1) * 4;
    const buffer = device.createBuffer({
      size,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
    });
    device.queue.writeBuffer(buffer, 0, Float32Array.from(values));
    return buffer;
  };
  const run = async (code: string, fields: readonly ArrayLike<number>[], options: readonly number[]): Promise<Float32Array> => {
    const count = fields[0]!.length;
    if (!pipelines.has(code)) pipelines.set(code, compile(code));
    const pipeline = await pipelines.get(code)!;
    const results = upload(new Float32Array(5 * count).fill(Number.NaN));
    const buffers = [
      upload(fields.flatMap((field) => Array.from(field))),
      upload(options),
      results,
      upload(new Float32Array(8 * count)),
    ];
    // A twin without options leaves binding 1 out of its automatic layout; so does one without scratch with binding 3.
    const used = [0, 1, 2, 3].filter((binding) => usesBinding(code, binding));
    const entries = used.map((binding) => ({ binding, resource: { buffer: buffers[binding]! } }));
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(1);
    pass.end();
    const staging = device.createBuffer({ size: results.size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
    encoder.copyBufferToBuffer(results, 0, staging, 0, results.size);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const values = new Float32Array(staging.getMappedRange().slice(0));
    for (const buffer of [...buffers, staging]) buffer.destroy();
    return values;
  };
  const column = (values: Float32Array, k: number) =>
    Float64Array.from({ length: values.length / 5 }, (_, i) => values[5 * i + k]!);
  const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    async paired(loss, batch) {
      const ones = new Float64Array(batch.chosenLogps.length).fill(1);
      const zeros = ones.map(() => 0);
      const fields = [
        batch.chosenLogps,
        batch.rejectedLogps,
        batch.refChosenLogps ?? zeros,
        batch.refRejectedLogps ?? zeros,
        batch.chosenLengths ?? ones,
        batch.rejectedLengths ?? ones,
        batch.pairWeights ?? ones,
      ];
      const values = await run(PAIRED_HOST + loss.wgsl, fields, loss.wgslOptions);
      const [losses, chosenGrad, rejectedGrad, chosenRewards, rejectedRewards] = [0, 1, 2, 3, 4].map((k) => column(values, k));
      return {
        loss: mean(losses!),
        losses: losses!,
        chosenGrad: chosenGrad!,
        rejectedGrad: rejectedGrad!,
        chosenRewards: chosenRewards!,
        rejectedRewards: rejectedRewards!,
      };
    },
    async unpaired(loss, options, batch) {
      const fields = [batch.logps, batch.refLogps, Float64Array.from(batch.labels, Number)];
      const values = await run(UNPAIRED_HOST + loss.wgsl, fields, options);
      const losses = column(values, 0);
      return { loss: mean(losses), losses, grad: column(values, 1), rewards: column(values, 2) };
    },
  };
}

function usesBinding(code: string, binding: number): boolean {
  if (binding === 1) return code.split("loss_option(").length > 2;
  if (binding === 3) return code.includes("loss_sorted_entry");
  return true;
}
