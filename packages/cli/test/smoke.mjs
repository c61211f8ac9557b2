// The built command in a process of the runtime that runs this: node test/smoke.mjs (also bun, deno run).
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const main = join(import.meta.dirname, "../dist/main.js");
const isBuilt = existsSync(main);
const source = ["--conditions=zephyr-source", "--import", join(import.meta.dirname, "../../../tools/wgsl-hook.mjs")];
const program =
  "Deno" in globalThis ? ["run", "-A", main] : isBuilt ? [main] : [...source, main.replace("dist/main.js", "src/main.ts")];
const zephyr = (...args) => spawnSync(process.execPath, [...program, ...args], { encoding: "utf8" });

const check = (what, ran, code, stdout) => {
  if (ran.status === code && stdout.test(ran.stdout)) return;
  throw new Error(`${what}: exit code ${ran.status} (${ran.error ?? "started"}), ${ran.stdout}${ran.stderr}`);
};

check("--version", zephyr("--version"), 0, /^\d+\.\d+\.\d+\n$/);
check("--help", zephyr("--help"), 0, /\n {2}dpo /);
check("a mistake", zephyr("dpo", "--betta", "1"), 2, /^$/);

const folder = mkdtempSync(join(tmpdir(), "zephyr-smoke-"));
const completion = (rating) => ({
  model: `m${rating}`,
  content: `answer ${rating}`,
  annotations: { helpfulness: { rating, rationale: "" } },
});
const [input, output] = [join(folder, "rated.jsonl"), join(folder, "pairs.jsonl")];
writeFileSync(input, `${JSON.stringify({ prompt_id: "a", prompt: "Why?", completions: [completion(2), completion(5)] })}\n`);
const ran = zephyr("binarize", "--input", input, "--output", output, "--preset", "zephyr-paper", "--seed", "0", "--json");
check("binarize", ran, 0, /"output_rows":1/);
if (JSON.parse(readFileSync(output, "utf8")).score_chosen !== 5) throw new Error("binarize chose the wrong answer");
rmSync(folder, { recursive: true });
console.log("ok");
