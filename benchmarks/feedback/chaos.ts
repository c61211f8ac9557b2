import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { randomFor } from "@zephyr/data";
import { promptFile, startScript, temporaryFolder } from "./processes.ts";
import { print } from "./report.ts";
import { type BenchServer, startServer } from "./server.ts";

const PER_PROMPT = 4;
const IN_FLIGHT = 16;

function writeConfig(path: string, server: BenchServer): void {
  const models = ["a", "b", "c", "d", "e", "f"].map((name) => ({
    name,
    model: name,
    base_url: server.baseUrl,
    max_concurrency: IN_FLIGHT,
    timeout_seconds: 30,
  }));
  writeFileSync(path, JSON.stringify({ models, completions_per_prompt: PER_PROMPT, principles: "readme", seed: 1 }));
}

/** 10,000 prompts, 4 answers each, a fifth of all attempts failing, 30 times `kill -9`; then the same without any of it. */
export async function chaos(prompts = 10_000, kills = 30, seed = 0): Promise<void> {
  using folder = temporaryFolder();
  const [input, config, output, calmOutput] = ["in.jsonl", "config.json", "out.jsonl", "calm.jsonl"].map(folder.path) as [
    string,
    string,
    string,
    string,
  ];
  const wanted = prompts * PER_PROMPT;
  promptFile(input, prompts);
  const started = performance.now();
  await using server = await startServer({ delayMs: 20, replyCharacters: 200, faultShare: 0.2, remember: true });
  writeConfig(config, server);
  const random = randomFor(seed, "kills");
  // Most kills are spread over the work; every fifth comes within the first second of a life, whatever that is busy with.
  const moments = Array.from({ length: kills }, () => random.next() * 0.98 * wanted).sort((a, b) => a - b);
  let killed = 0;
  let killedAt = 0;
  for (let code: number | null = null; code !== 0; ) {
    const { child, exit } = startScript("run-complete-child.ts", [config, input, output]);
    if (killed < kills) {
      if (killed % 5 === 4) await sleep(1000 * random.next());
      else {
        while (child.exitCode === null && (await server.stats()).distinct < moments[killed]!) await sleep(50);
        await sleep(300 * random.next());
      }
      killedAt = Date.now();
      child.kill("SIGKILL");
    }
    code = await exit;
    if (code === 0) break;
    await server.killed(killedAt);
    killed++;
    if (killed > kills) throw new Error(`chaos: the run ended with ${code} after all kills`);
  }
  const stats = await server.stats();
  print({ seconds: (performance.now() - started) / 1000, kills: killed, ...stats });

  await using calm = await startServer({ replyCharacters: 200 });
  writeConfig(config, calm);
  const undisturbed = await startScript("run-complete-child.ts", [config, input, calmOutput]).exit;
  const [digest, calmDigest] = [output, calmOutput].map((path) => createHash("sha256").update(readFileSync(path)).digest("hex"));
  const answers = readFileSync(output, "utf8")
    .trim()
    .split("\n")
    .reduce((sum, line) => sum + JSON.parse(line).completions.length, 0);
  print({
    bar: "nothing lost, nothing answered twice, output identical to an undisturbed run",
    kills: killed,
    answers,
    lost: wanted - answers,
    answered_twice: stats.answeredTwice,
    on_the_wire_at_a_kill_and_sent_again: stats.resent,
    oldest_of_them_ms: stats.oldestResentMs,
    is_identical: digest === calmDigest,
    is_met: undisturbed === 0 && killed === kills && answers === wanted && stats.answeredTwice === 0 && digest === calmDigest,
  });
}
