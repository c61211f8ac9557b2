import { describe, expect, it } from "vitest";
import { withPrelude } from "../kernels/prelude/prelude.ts";
import { deviceOrSkip, portable } from "../testing/device.ts";
import { noSizes, tensor } from "../testing/tape.ts";
import { createExecutor } from "./executor.ts";
import type { Dispatch } from "./tape.ts";
import type { Grid, Tensor } from "./tensor.ts";
import { allocate, read, write } from "./upload.ts";

const COUNT = `struct Params { elements: u32, amount: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = linear(id, count) * 64u + local.x;
  if (i < params.elements) { x[i] += params.amount; }
}`;

const add = (x: Tensor, amount: number, grid: Grid = () => [Math.ceil(x.bytes / 256)]): Dispatch => ({
  kernel: withPrelude({ lanes: 1, adapterClass: "portable", maxBindingBytes: 2 ** 27 }, "add", COUNT),
  tensors: [x],
  params: () => ({ elements: x.bytes / 4, amount }),
  grid,
  work: () => ({ flops: 0, bytes: 0 }),
});

describe("executor", () => {
  it("reaches every element once where a grid has more than 65,535 workgroups", async (context) => {
    const device = await deviceOrSkip(context);
    const elements = 64 * 65_536 + 1;
    const x = allocate(device, "x", elements * 4);
    using executor = await createExecutor(device, { all: [add(x, 1)] });
    executor.run("all", noSizes);
    const [values] = await read(device, [{ tensor: x, length: elements }]);
    expect(values!.findIndex((value) => value !== 1)).toBe(-1);
  });

  it("runs the phase asked for, with the parameters of its own launches", async (context) => {
    const device = await deviceOrSkip(context);
    const x = tensor(device, "x", new Float32Array(3));
    using executor = await createExecutor(device, { first: [add(x, 1), add(x, 10)], second: [add(x, 100)], empty: [] });
    for (const phase of ["second", "first", "empty", "second"]) executor.run(phase, noSizes);
    const [values] = await read(device, [{ tensor: x, length: 3 }]);
    expect([...values!]).toEqual([211, 211, 211]);
    expect(() => executor.run("third", noSizes)).toThrow('run: no phase "third"; there are first, second, empty');
  });

  it("skips a launch of no workgroups and takes sizes from the batch", async (context) => {
    const device = await deviceOrSkip(context);
    const x = tensor(device, "x", new Float32Array(2));
    const launch = {
      ...add(x, 1, (s) => [s.pairs]),
      params: (s: { lossScale: number }) => ({ elements: 2, amount: s.lossScale }),
    };
    using executor = await createExecutor(device, { all: [launch] });
    executor.run("all", { ...noSizes, pairs: 0, lossScale: 5 });
    executor.run("all", { ...noSizes, pairs: 1, lossScale: 7 });
    expect([...(await read(device, [{ tensor: x, length: 2 }]))[0]!]).toEqual([7, 7]);
  });

  it("says which kernel lacks a parameter, has another number of bindings, or needs too large a binding", async (context) => {
    const device = await deviceOrSkip(context);
    const x = tensor(device, "x", new Float32Array(2));
    using executor = await createExecutor(device, { all: [{ ...add(x, 1), params: () => ({ elements: 2 }) }] });
    expect(() => executor.run("all", noSizes)).toThrow('run: kernel "add" needs the parameter "amount"');
    const twice = createExecutor(device, { all: [{ ...add(x, 1), tensors: [x, x] }] });
    await expect(twice).rejects.toThrow('createExecutor: kernel "add" has 1 storage bindings, was given 2');
    const large: Tensor = { name: "large", bytes: 2 ** 21, needsGradient: false };
    const limited = createExecutor({ ...device, maxBindingBytes: 2 ** 20 }, { all: [add(large, 1)] });
    await expect(limited).rejects.toThrow('createExecutor: "large" needs 2.0 MiB in one binding, the device allows 1.0 MiB');
    using exact = await createExecutor({ ...device, maxBindingBytes: 2 ** 21 }, { all: [add({ ...large }, 1)] });
    expect(exact.temporaryBytes).toBe(2 ** 21);
    const { maxBufferSize } = device.gpu.limits;
    expect(() => allocate(device, "w", maxBufferSize + 4)).toThrow(`"w" needs ${maxBufferSize + 4} bytes in one buffer`);
    const uncut = createExecutor({ ...device, maxBindingBytes: 4 }, { all: [add(x, 1)] });
    await expect(uncut).rejects.toThrow('createExecutor: "x" needs');
    expect(() => write(device, x, new Float32Array(3))).toThrow('write: 12 bytes do not fit "x" of 8 from byte 0');
    expect(() => write(device, x, new Float32Array(2), 4)).toThrow('write: 8 bytes do not fit "x" of 8 from byte 4');
  });

  it("lets temporaries share memory and keeps what is asked for", async (context) => {
    const device = portable(await deviceOrSkip(context));
    const temporaries = ["a", "b", "c"].map((name): Tensor => ({ name, bytes: 256, needsGradient: false }));
    using shared = await createExecutor(device, { all: temporaries.map((x) => add(x, 1)) });
    expect(shared.temporaryBytes).toBe(256);
    const kept = ["a", "b", "c"].map((name): Tensor => ({ name, bytes: 256, needsGradient: false }));
    using executor = await createExecutor(device, { all: kept.map((x, i) => add(x, i + 1)) }, kept);
    executor.run("all", noSizes);
    const values = await read(
      device,
      kept.map((x) => ({ tensor: x, length: 1 })),
    );
    expect(values.map(([value]) => value)).toEqual([1, 2, 3]);
  });
});
