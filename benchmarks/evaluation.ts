/**
 * How far is evaluation from the published numbers? Each case prints what it measured, the bar, and whether it is met.
 *
 *   npx node --conditions=zephyr-source --import ./tools/wgsl-hook.mjs benchmarks/evaluation.ts [CASE...]
 *
 * All cases without a name. Published files are read from ZEPHYR_BENCHMARK_DATA, by default ../shared/data. Exit code 1 if a bar is missed.
 */
import type { Measured } from "./evaluation/measured.ts";

const CASES: Record<string, () => Promise<Measured[]>> = {
  "win-rates": async () => (await import("./evaluation/alpaca.ts")).winRates(),
  "length-control": async () => (await import("./evaluation/alpaca.ts")).lengthControl(),
  preferences: async () => (await import("./evaluation/alpaca.ts")).preferences(),
  "mt-bench": async () => (await import("./evaluation/mt-bench.ts")).mtBench(),
  truthfulqa: async () => (await import("./evaluation/harness.ts")).truthfulQa(),
  cpython: async () => (await import("./evaluation/harness.ts")).cpython(),
  "lm-eval": async () => (await import("./evaluation/harness.ts")).lmEval(),
  coverage: async () => (await import("./evaluation/coverage.ts")).coverage(),
  resume: async () => (await import("./evaluation/resume.ts")).resume(),
};

const asked = process.argv.slice(2);
const unknown = asked.find((name) => CASES[name] === undefined);
if (unknown !== undefined) {
  console.error(`evaluation: "${unknown}" is no case; there are ${Object.keys(CASES).join(", ")}`);
  process.exit(2);
}
for (const name of asked.length > 0 ? asked : Object.keys(CASES))
  for (const { what, measured, bar, least = Number.NEGATIVE_INFINITY, unit } of await CASES[name]!()) {
    const met = measured >= least && measured <= bar;
    if (!met) process.exitCode = 1;
    const range = Number.isFinite(least) ? { bar: [least, bar] } : { bar };
    console.log(JSON.stringify({ case: name, what, measured, ...(unit && { unit }), ...range, met }));
  }
process.exit();
