import { describe, expect, it } from "vitest";
import { deviceOrSkip } from "../testing/device.ts";
import { tensor } from "../testing/tape.ts";
import { compile, interfaceOf, type Kernel } from "./pipeline.ts";
import { read } from "./upload.ts";

const double = (name: string, body = "x[0] = params.factor * x[0];"): Kernel => ({
  name,
  wgsl: `struct Params { factor: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;

@compute @workgroup_size(1)
fn main() {
  ${body}
}`,
});

describe("interfaceOf", () => {
  it("reads storage bindings by number, whatever their order and spacing, and leaves out the uniform", () => {
    const wgsl = `
      struct Params { rows: u32 }
      @group(0) @binding(0) var<uniform> params: Params;
      @group(0) @binding(3) var<storage, read_write> c: array<vec4f>;
      @group(0)   @binding(1)
        var<storage,read> a: array<f32>;
      @group(0) @binding(2) var<storage, read> b: array<u32>;`;
    expect(interfaceOf({ name: "k", wgsl }).access).toEqual(["read", "read", "read_write"]);
  });

  it("reads the fields of Params in order, over several lines and past comments", () => {
    const wgsl = `struct Other { first: u32 }
      struct Params {
        rows: u32, // width: u32,
        eps : f32,
        last_one:u32
      }`;
    expect(interfaceOf({ name: "k", wgsl }).fields).toEqual([
      { name: "rows", type: "u32" },
      { name: "eps", type: "f32" },
      { name: "last_one", type: "u32" },
    ]);
  });

  it("says which kernel has no Params", () => {
    const kernel = { name: "lonely", wgsl: "@compute @workgroup_size(1) fn main() {}" };
    expect(() => interfaceOf(kernel)).toThrow('compile: kernel "lonely" has no struct Params');
  });
});

describe("compile", () => {
  it("compiles a text once for a device, under whatever name it comes", async (context) => {
    const device = await deviceOrSkip(context);
    const first = compile(device, double("one"));
    expect(compile(device, double("two"))).toBe(first);
    expect(compile({ ...device, lanes: 1 }, double("three"))).toBe(first);
    expect(compile(device, double("one", "x[0] = params.factor;"))).not.toBe(first);
    expect((await first).access).toEqual(["read_write"]);
  });

  it("gives a pipeline whose bindings are those of the text", async (context) => {
    const device = await deviceOrSkip(context);
    const { pipeline } = await compile(device, double("run"));
    const x = tensor(device, "x", Float32Array.of(21));
    const uniform = device.gpu.createBuffer({ size: 4, usage: 0x40 | 0x08 });
    device.gpu.queue.writeBuffer(uniform, 0, Float32Array.of(2));
    const entries = [uniform, x.place!.buffer].map((buffer, binding) => ({ binding, resource: { buffer } }));
    const encoder = device.gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(1);
    pass.end();
    device.gpu.queue.submit([encoder.finish()]);
    expect([...(await read(device, [{ tensor: x, length: 1 }]))[0]!]).toEqual([42]);
  });

  it("names the kernel, the line and its text where WGSL is not valid", async (context) => {
    const device = await deviceOrSkip(context);
    const error = await compile(device, double("broken", "x[0] = factr;")).catch((reason: Error) => reason.message);
    expect(error).toMatch(/^compile: kernel "broken" is not valid WGSL\nline 7: .*factr.*\n {4}x\[0\] = factr;$/s);
  });

  it("refuses a storage binding that the layout read from the text does not have", async (context) => {
    const device = await deviceOrSkip(context);
    const kernel = double("second group");
    const wgsl = kernel.wgsl.replace("@group(0) @binding(1)", "@group(1) @binding(1)");
    await expect(compile(device, { ...kernel, wgsl })).rejects.toThrow();
  });
});
