/**
 * AI feedback at the size of a real run: each case is one bar, measured and printed as lines of JSON; the last line says whether it is met.
 *
 *   npx node --conditions=zephyr-source benchmarks/feedback.ts CASE
 */
import { execFileSync } from "node:child_process";
import { cpus, loadavg } from "node:os";
import { print } from "./feedback/report.ts";

const CASES: Record<string, () => Promise<void>> = {
  throughput: async () => (await import("./feedback/throughput.ts")).throughput(...numbers()),
  faults: async () => (await import("./feedback/faults.ts")).faults(),
  chaos: async () => (await import("./feedback/chaos.ts")).chaos(...numbers()),
  rates: async () => (await import("./feedback/rates.ts")).rates(...numbers()),
  budget: async () => (await import("./feedback/budget.ts")).budget(...numbers()),
  memory: async () => (await import("./feedback/memory.ts")).memory(...numbers()),
  workers: async () => (await import("./feedback/workers.ts")).workers(...numbers()),
};

function numbers(): number[] {
  return process.argv.slice(3).map(Number);
}

const name = process.argv[2] ?? "";
const run = CASES[name];
if (run === undefined) {
  console.error(`feedback: ${JSON.stringify(name)} is no case; one of ${Object.keys(CASES).join(", ")}`);
  process.exit(2);
}
print({
  case: name,
  machine: `${cpus().length} x ${cpus()[0]?.model}`,
  node: process.version,
  load: loadavg()[0],
  commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim(),
});
await run();
process.exit(0);
