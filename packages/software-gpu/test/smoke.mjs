// Runs on Node, Bun and Deno: prepares a driver, activates it in this process, and computes 64 squares on it through Dawn.
// Prints one JSON line; fails unless every number is right. `--late` lets Dawn fail to find an adapter first.
import { activateDriver, ensureDriver } from "@zephyr/software-gpu";
import { create, globals } from "webgpu";

Object.assign(globalThis, globals);
const kept = []; // Bun collects the objects behind a device unless they stay referenced.

async function requestAdapter() {
  const gpu = create([]);
  const adapter = await gpu.requestAdapter();
  kept.push(gpu, adapter);
  return adapter;
}

async function squares(device) {
  const code = `@group(0) @binding(0) var<storage, read_write> output: array<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) { output[id.x] = id.x * id.x; }`;
  const pipeline = await device.createComputePipelineAsync({
    layout: "auto",
    compute: { module: device.createShaderModule({ code }), entryPoint: "main" },
  });
  const output = device.createBuffer({ size: 256, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
  const readback = device.createBuffer({ size: 256, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer: output } }],
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(output, 0, readback, 0, 256);
  device.queue.submit([encoder.finish()]);
  await readback.mapAsync(GPUMapMode.READ);
  return [...new Uint32Array(readback.getMappedRange())];
}

const before = process.argv.includes("--late") ? (await requestAdapter())?.info.description : undefined;
const driver = await ensureDriver();
const set = await activateDriver(driver);
const adapter = await requestAdapter();
if (!adapter) throw new Error(`smoke: no adapter after activating ${driver.description}`);
const device = await adapter.requestDevice();
kept.push(device);
const result = await squares(device);
const wrong = result.findIndex((value, index) => value !== index * index);
if (wrong >= 0) throw new Error(`smoke: square of ${wrong} came out as ${result[wrong]}`);
console.log(
  JSON.stringify({
    kind: driver.kind,
    before: before ?? null,
    adapter: adapter.info.description,
    device: adapter.info.device,
    set,
  }),
);
device.destroy();
