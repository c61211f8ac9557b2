import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Device, requestDevice } from "@zephyr/train-webgpu";
import { timeAttention, timeMatmul } from "../peers/kernels.ts";
import { type Check, checkAttention, checkDpoRun, checkMatmul } from "./correctness.ts";
import { SHAPES, timeDpoStep } from "./model-step.ts";

/** Correctness, kernels, and model steps on this machine's GPU, within a time limit; one JSON file. Usage: main OUT [SECONDS] */
const here = import.meta.dirname;
const fixtures = [join(here, "fixtures"), join(here, "../../packages/train-webgpu/fixtures")].find((path) => existsSync(path))!;
const out = process.argv[2] ?? "gpu.json";
const limit = Number(process.argv[3] ?? 450);
const started = performance.now();
const left = (): number => limit - (performance.now() - started) / 1000;

const numbers = (name: string, fallback: string): number[] => (process.env[name] ?? fallback).split(",").map(Number);
const [length, pairs] = numbers("STEP", "1024,2") as [number, number];
const sizes = numbers("SIZES", "1024,4096,8192");
const shapes = SHAPES.filter(({ name }) => (process.env["SHAPES"] ?? "1b,7b").split(",").includes(name));

const result: Record<string, unknown> = { date: new Date().toISOString(), commit: process.env["ZEPHYR_COMMIT"] ?? null };
const errors: string[] = [];
result["errors"] = errors;
const save = () => writeFileSync(out, `${JSON.stringify(result, null, 1)}\n`);

/** Runs one part if there is time for it; its failure is recorded and does not keep the others from running. */
async function part<T>(name: string, seconds: number, run: () => Promise<T>): Promise<T | undefined> {
  if (left() < seconds) {
    errors.push(`${name}: left out, ${left().toFixed(0)} s of the limit are left and it may take ${seconds}`);
    return undefined;
  }
  const begun = performance.now();
  try {
    const value = await run();
    console.error(`${name}: ${((performance.now() - begun) / 1000).toFixed(1)} s`);
    return value;
  } catch (error) {
    errors.push(`${name}: ${(error as Error).message}`);
    console.error(errors.at(-1));
    return undefined;
  } finally {
    save();
  }
}

async function measure(device: Device, label: string): Promise<void> {
  const own: Record<string, unknown> = { adapter: device.adapter, class: device.adapterClass, lanes: device.lanes };
  result[label] = own;
  const checks: Check[] = [];
  own["checks"] = checks;
  for (const [name, check] of Object.entries({ matmul: checkMatmul, attention: checkAttention }))
    checks.push(...((await part(`${label} ${name} checks`, 20, () => check(device))) ?? []));
  checks.push(...((await part(`${label} DPO check`, 30, () => checkDpoRun(device, fixtures))) ?? []));
  const kernels: unknown[] = [];
  own["kernels"] = kernels;
  for (const size of sizes) {
    for (const layout of ["nn", "nt", "tn"] as const)
      kernels.push(await part(`${label} matmul ${size} ${layout}`, 15, () => timeMatmul(device, layout, size, 7)));
  }
  const attention = { sequences: 4, heads: 32, length: Math.min(length, 2048), headDim: 128 };
  for (const direction of ["fwd", "fwdbwd"] as const)
    kernels.push(await part(`${label} attention ${direction}`, 15, () => timeAttention(device, direction, attention, 5)));
  const steps: unknown[] = [];
  own["steps"] = steps;
  for (const shape of shapes) {
    for (const dtype of ["bf16", "nf4"] as const)
      steps.push(
        await part(`${label} DPO ${shape.name} ${dtype}`, 60, () =>
          timeDpoStep(device, shape, { dtype, pairs, length, rounds: 3 }),
        ),
      );
  }
}

{
  using device = await requestDevice();
  await measure(device, "default");
}
const matrix = await part("matrix units", 5, () => requestDevice({ adapterClass: "matrix" }));
if (matrix) {
  using device = matrix;
  await measure(device, "matrix");
}
const torch = spawnSync(
  process.env["PYTHON"] ?? "python3",
  [join(here, "torch_reference.py"), String(length), String(pairs), sizes.join(","), shapes.map(({ name }) => name).join(",")],
  { encoding: "utf8", timeout: Math.ceil(Math.max(1, left()) * 1000) },
);
if (torch.status === 0)
  result["torch"] = torch.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
else errors.push(`torch: ${torch.error?.message ?? torch.stderr.trim().split("\n").at(-1) ?? "no output"}`);
result["seconds"] = Number(((performance.now() - started) / 1000).toFixed(1));
save();
console.error(`${out}: ${result["seconds"]} s, ${errors.length} parts failed or left out`);
