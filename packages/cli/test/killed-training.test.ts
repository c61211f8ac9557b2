import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { needsDevice } from "../src/testing/needs-device.ts";
import { program, reference, runCli, startCli, temporaryFolder } from "../src/testing/run-cli.ts";
import { untilLogged } from "../src/testing/training-log.ts";

const checkpoints = (run: string): string[] =>
  readdirSync(run)
    .filter((name) => /^checkpoint-\d+$/.test(name))
    .sort((a, b) => Number(a.slice(11)) - Number(b.slice(11)));

describe("a run killed with SIGKILL after each of its steps", () => {
  it.for<[string, string[]]>([
    ["with an adapter and dropout, rows shuffled, micro-batches gathered", ["--lora-r", "2", "--lora-dropout", "0.2"]],
    ["with all weights, packed", ["--packing", "--max-length", "24"]],
  ])(
    "%s: weights, log and state end bit for bit as those of a run that was not",
    { timeout: 600_000 },
    async ([, flags], context) => {
      await needsDevice(context);
      const folder = temporaryFolder();
      const data = join(folder, "rows.jsonl");
      const texts = [
        "Kites fly.",
        "Two and two are four.",
        "The sea is deep.",
        "A cat sleeps.",
        "Rain falls.",
        "It is late.",
        "Go on.",
      ];
      writeFileSync(data, texts.map((text) => `${JSON.stringify({ text })}\n`).join(""));
      const settings = {
        "max-steps": "4",
        "save-steps": "1",
        "learning-rate": "0.01",
        "gradient-accumulation-steps": "2",
        "per-device-train-batch-size": "1",
      };
      const given = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
      const args = ["sft", "--model", reference("mistral"), "--data", data, ...given, ...flags];
      const [whole, killed] = [join(folder, "whole"), join(folder, "killed")];
      const ran = await runCli([...args, "--output", whole]);
      expect(ran.code, ran.stderr).toBe(0);
      for (let step = 1; step < 4; step++) {
        const running = startCli([...args, "--output", killed, "--resume"]);
        let over = false;
        void running.result.then(() => (over = true));
        await untilLogged(killed, step, () => over);
        running.kill("SIGKILL");
        await running.result;
      }
      // The newest checkpoint is torn, too: the run goes on from the one before it.
      const torn = join(killed, checkpoints(killed).at(-1)!);
      const weights = join(torn, flags[0] === "--lora-r" ? "adapter_model.safetensors" : "model.safetensors");
      truncateSync(weights, statSync(weights).size - 1);
      const last = await runCli([...args, "--output", killed, "--resume"]);
      expect(last.code, last.stderr).toBe(0);
      expect(last.stderr).toMatch(/is not used: .* bytes, \d+ were written/);
      const names = readdirSync(whole).filter((name) => statSync(join(whole, name)).isFile() && name !== "timing.jsonl");
      expect(names).toEqual(expect.arrayContaining(["log_history.jsonl", "trainer_state.json", weights.slice(torn.length + 1)]));
      for (const name of names) expect(readFileSync(join(killed, name)).equals(readFileSync(join(whole, name))), name).toBe(true);
      expect(checkpoints(killed)).toEqual(checkpoints(whole));
    },
  );
});

// A small file system in a mount namespace of its own, which needs no root where the system lets users have one.
const unshare = (script: string, args: readonly string[]) =>
  spawnSync("unshare", ["-rm", "sh", "-c", script, ...args], { encoding: "utf8", env: { ...process.env, NODE_OPTIONS: "" } });

describe("a disk that fills while a checkpoint is written", () => {
  it("ends the run with the reason; the checkpoint before is whole, and with room the run goes on from it", {
    timeout: 300_000,
  }, async (context) => {
    await needsDevice(context);
    const folder = temporaryFolder();
    const disk = join(folder, "disk");
    mkdirSync(disk);
    const probe = unshare('mount -t tmpfs -o size=1m tmpfs "$0"', [disk]);
    if (probe.status !== 0) context.skip(`no tmpfs of its own can be mounted here (${probe.stderr ?? probe.error?.message})`);
    const data = join(folder, "rows.jsonl");
    writeFileSync(data, `${JSON.stringify({ text: "Kites fly." })}\n`);
    // A checkpoint of the reference model takes 1.1 MB: the first fits, the second does not.
    const script = `
      mount -t tmpfs -o size=1800k tmpfs "$0" || exit 9
      disk="$0"
      "$@"; echo "exit $?"
      (cd "$disk/run" && ls) ; echo "--"
      mount -o remount,size=64m "$disk"
      "$@" --resume; echo "exit $?"
      (cd "$disk/run" && ls)`;
    const args = ["--data", data, "--max-steps", "2", "--save-steps", "1", "--output", join(disk, "run")];
    const { stdout, stderr } = unshare(script, [
      disk,
      process.execPath,
      ...program,
      "sft",
      "--model",
      reference("mistral"),
      ...args,
    ]);
    const [before, after] = stdout.split("--\n") as [string, string];
    expect(stderr).toMatch(/zephyr: ENOSPC/);
    const lines = (text: string): string[] => text.split("\n").filter((line) => line !== "" && !line.includes(": 2 steps"));
    expect(lines(before)).toEqual(["exit 1", "checkpoint-1", "hyperparameters.json", "log_history.jsonl", "timing.jsonl"]);
    expect(stderr).toContain("goes on after step 1");
    expect(lines(after)).toEqual(expect.arrayContaining(["exit 0", "checkpoint-1", "checkpoint-2", "model.safetensors"]));
  });
});
