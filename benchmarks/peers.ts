/**
 * How fast, and in how much memory, does Zephyr do what other JavaScript training stacks do on the same adapter?
 *
 *   node benchmarks/peers.mjs
 *
 * Prints a line of JSON per case. SIZES, ATTN, MODEL and ROUNDS choose the workload; README.md says what each case is.
 */
import { requestDevice } from "@zephyr/train-webgpu";
import { timeAttention, timeMatmul } from "./peers/kernels.ts";
import { reportTo } from "./peers/measure.ts";
import { peakMemory } from "./peers/memory.ts";
import { readSettings } from "./peers/settings.ts";
import { timeFirstStep, timeStep, timeTokens } from "./peers/training-step.ts";

const { sizes, attention, model, rounds } = readSettings(process.env);

// Before this process finds a driver: the child has to find it too.
const { adapter, ms } = timeFirstStep();
const report = reportTo(adapter);
report({ case: "first_step_cold", ms_median: ms });

using device = await requestDevice();
// Work that the device refuses is done in no time.
device.gpu.addEventListener("uncapturederror", ({ error }) => {
  console.error(`peers: the device refused a command: ${error.message}`);
  process.exit(1);
});
for (const size of sizes) {
  for (const layout of ["nn", "nt", "tn"] as const) report(await timeMatmul(device, layout, size, rounds));
}
for (const direction of ["fwd", "fwdbwd"] as const) report(await timeAttention(device, direction, attention, rounds));

report(await timeStep(device, model, rounds));
for (const length of [256, 2048]) report(await timeTokens(device, model, length, rounds));

for (const length of [1024, 2048]) {
  report({ case: `peak_memory_T${length}`, mib: await peakMemory(device, model, length) });
}
for (const vocabulary of [4096, 32768]) {
  report({ case: `peak_memory_V${vocabulary}`, mib: await peakMemory(device, { ...model, vocabulary }, 2048) });
}
