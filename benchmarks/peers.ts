/**
 * How fast, and in how much memory, does Zephyr do what other JavaScript training stacks do on the same adapter?
 *
 *   node benchmarks/peers.mjs
 *
 * Prints a line of JSON per case. SIZES, ATTN, MODEL, LOGPS, GENERATE, ROUNDS and CASES choose the workload; README.md says what each
 * case is.
 */
import { requestDevice } from "@zephyr/train-webgpu";
import { timeGeneration } from "./peers/generation.ts";
import { timeAttention, timeMatmul } from "./peers/kernels.ts";
import { timeLogps } from "./peers/log-probability.ts";
import { type Measurement, reportTo } from "./peers/measure.ts";
import { peakMemory } from "./peers/memory.ts";
import { timePreferenceStep } from "./peers/preference-step.ts";
import { type Group, readSettings } from "./peers/settings.ts";
import { timeFirstStep, timeStep, timeTokens } from "./peers/training-step.ts";

const { sizes, attention, model, logps, generation, rounds, groups } = readSettings(process.env);

// Before this process finds a driver: the child has to find it too.
const firstStep = groups.has("first_step") ? timeFirstStep() : undefined;
if (firstStep) reportTo(firstStep.adapter)({ case: "first_step_cold", ms_median: firstStep.ms });

using device = await requestDevice();
const report = reportTo(device.adapter.description);
// Work that the device refuses is done in no time.
device.gpu.addEventListener("uncapturederror", ({ error }) => {
  console.error(`peers: the device refused a command: ${error.message}`);
  process.exit(1);
});

const cases: Record<Exclude<Group, "first_step">, () => AsyncIterable<Measurement>> = {
  async *matmul() {
    for (const size of sizes) for (const layout of ["nn", "nt", "tn"] as const) yield timeMatmul(device, layout, size, rounds);
  },
  async *attention() {
    for (const direction of ["fwd", "fwdbwd"] as const) yield timeAttention(device, direction, attention, rounds);
  },
  async *train_step() {
    yield timeStep(device, model, rounds);
  },
  async *time_per_token() {
    for (const length of [256, 2048]) yield timeTokens(device, model, length, rounds);
  },
  async *memory() {
    for (const length of [1024, 2048]) yield { case: `peak_memory_T${length}`, mib: await peakMemory(device, model, length) };
    for (const vocabulary of [4096, 32768])
      yield { case: `peak_memory_V${vocabulary}`, mib: await peakMemory(device, { ...model, vocabulary }, 2048) };
  },
  async *logps() {
    for (const direction of ["fwd", "fwdbwd"] as const) yield timeLogps(device, direction, logps, rounds);
  },
  async *dpo_step() {
    yield timePreferenceStep(device, model, rounds);
  },
  async *generate() {
    yield timeGeneration(device, model, generation, rounds);
  },
};
for (const [group, measure] of Object.entries(cases)) {
  if (!groups.has(group as Group)) continue;
  for await (const measurement of measure()) report(measurement);
}
