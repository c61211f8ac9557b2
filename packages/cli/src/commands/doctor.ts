import { findDriver } from "@zephyr/software-gpu";
import { type Device, matrixUnits, requestDevice } from "@zephyr/train-webgpu";
import { command } from "./command.ts";

/** `zephyr doctor`: what training would run on. */
export const doctor = command({
  description:
    "Runtime, adapter, its class, limits and features, and how to get a better one. Prepares a software driver where there is no GPU.",
  flags: {},
  async run({ reporter }) {
    const runtime = runtimeName();
    try {
      using device = await requestDevice({ onProgress: (message) => reporter.status(message) });
      const unit = await matrixUnits();
      const result = { runtime, ...described(device), matrix_unit: unit ?? null, advice: advice(device, unit) };
      return { result, lines: lines(result) };
    } catch (error) {
      const driver = await findDriver().catch(() => undefined);
      const message = (error as Error).message;
      const result = { runtime, adapter: null, error: message, driver: driver ?? null };
      return { result, lines: [`runtime   ${runtime}`, `adapter   none: ${message}`], exitCode: 1 };
    }
  },
});

function runtimeName(): string {
  const { bun, deno, node } = process.versions as Record<string, string | undefined>;
  const name = bun !== undefined ? `Bun ${bun}` : deno !== undefined ? `Deno ${deno}` : `Node ${node}`;
  return `${name}, ${process.platform} ${process.arch}`;
}

type Described = ReturnType<typeof described>;

function described({ adapter, adapterClass, lanes, features, maxBindingBytes, environment, gpu }: Device) {
  const { maxBufferSize, maxComputeWorkgroupStorageSize, maxComputeInvocationsPerWorkgroup } = gpu.limits;
  return {
    adapter: adapter.description,
    vendor: adapter.vendor,
    architecture: adapter.architecture,
    class: adapterClass,
    subgroup_size: lanes,
    limits: {
      maxStorageBufferBindingSize: maxBindingBytes,
      maxBufferSize,
      maxComputeWorkgroupStorageSize,
      maxComputeInvocationsPerWorkgroup,
    },
    features,
    environment,
  };
}

function advice({ adapterClass, adapter }: Device, matrixUnit: number | undefined): string[] {
  if (adapterClass !== "software")
    return matrixUnit === undefined ? [] : ["This adapter has matrix units: sft and dpo use them with --fp16."];
  const faster = /swiftshader/i.test(`${adapter.description} ${adapter.architecture}`)
    ? [
        "SwiftShader is the slowest choice: install Mesa 25 or newer (Debian 12: mesa-vulkan-drivers from bookworm-backports) for lavapipe.",
      ]
    : [];
  return [...faster, "Kernels run on the CPU. With a GPU, install its Vulkan driver and run this again."];
}

function lines(result: Described & { runtime: string; matrix_unit: number | null; advice: string[] }): string[] {
  const limits = Object.entries(result.limits).map(([name, value]) => `${name} ${value}`);
  const variables = Object.entries(result.environment).map(([name, value]) => `${name}=${value}`);
  return [
    `runtime   ${result.runtime}`,
    `adapter   ${result.adapter}`,
    `class     ${result.class}, subgroups of ${result.subgroup_size}`,
    `matrices  ${result.matrix_unit === null ? "no matrix units" : `units of ${result.matrix_unit} x ${result.matrix_unit} half floats`}`,
    `limits    ${limits.join(", ")}`,
    `features  ${result.features.join(", ") || "none"}`,
    ...variables.map((variable) => `set       ${variable}`),
    ...result.advice.map((line) => `advice    ${line}`),
  ];
}
