import { spawn } from "node:child_process";
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toFloat32 } from "../safetensors/convert.ts";
import { openSafetensors } from "../safetensors/read.ts";
import { COMPLETE_FILE, newestGoodCheckpoint, verifyCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import { cutLog, LOG_FILE } from "./log-history.ts";
import { readTrainerState, TRAINER_STATE_FILE, type TrainerState, writeTrainerState } from "./trainer-state.ts";

let run: string;
beforeEach(async () => {
  run = await mkdtemp(join(tmpdir(), "checkpoint-"));
});
afterEach(() => rm(run, { recursive: true, force: true }));

const state = (globalStep: number): TrainerState => ({
  globalStep,
  maxSteps: 20,
  numTrainEpochs: 2,
  epoch: globalStep / 10,
  numTokens: 123 * globalStep,
  seed: 42,
  dataPosition: { epoch: 1, microBatch: 3 },
  rngState: { dropout: { offset: 7 } },
  hyperparameters: { learning_rate: 5e-7, lr_scheduler_type: "cosine" },
});
const save = (step: number, content = `weights ${step}`) =>
  writeCheckpoint(run, state(step), async (folder) => {
    await writeFile(join(folder, "model.safetensors"), content);
    await writeFile(join(folder, "empty.txt"), "");
  });

describe("writeCheckpoint", () => {
  it("what is written is read back, and nothing temporary stays", async () => {
    const path = await save(3);
    expect(path).toBe(join(run, "checkpoint-3"));
    expect(await readTrainerState(path)).toEqual(state(3));
    expect(await readdir(run)).toEqual(["checkpoint-3"]);
    expect((await readdir(path)).sort()).toEqual([COMPLETE_FILE, "empty.txt", "model.safetensors", TRAINER_STATE_FILE].sort());
    await verifyCheckpoint(path);
  });

  it("a checkpoint of the same step is replaced, and what a killed process left is removed", async () => {
    await save(3, "old");
    await mkdir(join(run, "tmp-checkpoint-2"));
    await writeFile(join(run, "tmp-checkpoint-2", "model.safetensors"), "half");
    const path = await save(3, "new");
    expect(await readFile(join(path, "model.safetensors"), "utf8")).toBe("new");
    expect(await readdir(run)).toEqual(["checkpoint-3"]);
    await verifyCheckpoint(path);
  });

  it("an error while writing leaves the older checkpoints and nothing else", async () => {
    await save(1);
    const failing = writeCheckpoint(run, state(2), async (folder) => {
      await writeFile(join(folder, "model.safetensors"), "half");
      throw new Error("no space left");
    });
    await expect(failing).rejects.toThrow("no space left");
    expect(await readdir(run)).toEqual(["checkpoint-1"]);
    await expect(writeCheckpoint(run, { ...state(2), epoch: Number.NaN }, async () => {})).rejects.toThrow(/"epoch".*NaN/);
    expect(await readdir(run)).toEqual(["checkpoint-1"]);
  });
});

describe("newestGoodCheckpoint", () => {
  it("goes by number, not by name, and ignores what is no checkpoint", async () => {
    for (const step of [9, 10, 100, 2]) await save(step);
    for (const name of ["checkpoint-", "checkpoint-x", "checkpoint-1000.bak", "tmp-checkpoint-500"]) await mkdir(join(run, name));
    await writeFile(join(run, "checkpoint-777"), "a file");
    expect(await newestGoodCheckpoint(run)).toEqual({
      checkpoint: { path: join(run, "checkpoint-100"), step: 100 },
      skipped: [],
    });
  });

  it("no folder, and a folder without checkpoints, have none", async () => {
    const none = { checkpoint: undefined, skipped: [] };
    expect(await newestGoodCheckpoint(join(run, "missing"))).toEqual(none);
    expect(await newestGoodCheckpoint(run)).toEqual(none);
  });

  const file = (name: string) => join(run, "checkpoint-2", name);
  const damages: [string, () => Promise<unknown>, RegExp][] = [
    ["a truncated file", () => truncate(file("model.safetensors"), 3), /model.safetensors has 3 bytes, 9 were written/],
    ["an emptied file", () => truncate(file("model.safetensors"), 0), /has 0 bytes/],
    ["a grown file", () => appendFile(file("empty.txt"), "x"), /empty.txt has 1 bytes/],
    ["one changed byte", () => writeFile(file("model.safetensors"), "Weights 2"), /other contents/],
    ["zeros of the right length", () => writeFile(file("model.safetensors"), new Uint8Array(9)), /other contents/],
    ["a missing file", () => rm(file(TRAINER_STATE_FILE)), /trainer_state.json is missing/],
    ["no mark of completion", () => rm(file(COMPLETE_FILE)), /complete.json cannot be read/],
    ["a torn mark of completion", () => truncate(file(COMPLETE_FILE), 30), /JSON/],
    ["a mark that names nothing", () => writeFile(file(COMPLETE_FILE), '{"files":{}}'), /names no files/],
    ["a mark that names a path", () => writeFile(file(COMPLETE_FILE), '{"files":{"../x":{"bytes":0,"sha256":""}}}'), /damaged/],
    ["nothing in it", () => rm(file(""), { recursive: true }).then(() => mkdir(file(""))), /complete.json/],
  ];
  it.each(damages)("skips a checkpoint with %s and says why", async (_, damage, reason) => {
    await save(1);
    await save(2);
    await damage();
    const { checkpoint, skipped } = await newestGoodCheckpoint(run);
    expect(checkpoint?.step).toBe(1);
    expect(skipped).toEqual([{ path: join(run, "checkpoint-2"), reason: expect.stringMatching(reason) }]);
  });

  it("a process killed at any moment leaves a whole checkpoint, and a log that can be cut back to it", async () => {
    const script = fileURLToPath(new URL("./fixtures/write-checkpoints.ts", import.meta.url));
    const child = spawn(process.execPath, ["--conditions=zephyr-source", script, run], { stdio: ["ignore", "pipe", "inherit"] });
    const exited = new Promise((resolve) => child.once("exit", (_, signal) => resolve(signal)));
    let told = 0;
    for await (const chunk of child.stdout) {
      told = Number(/step (\d+)\n$/.exec(String(chunk))?.[1] ?? told);
      // Somewhere in the middle of the next checkpoint.
      if (told >= 3) setTimeout(() => child.kill("SIGKILL"), 3);
    }
    expect(await exited).toBe("SIGKILL");
    const { checkpoint } = await newestGoodCheckpoint(run);
    expect(checkpoint!.step).toBeGreaterThanOrEqual(told);
    const { step, path } = checkpoint!;
    expect((await readTrainerState(path)).globalStep).toBe(step);
    await using weights = await openSafetensors(path);
    expect(new Set(toFloat32(await weights.read("w"), "F32"))).toEqual(new Set([step]));
    expect((await cutLog(join(run, LOG_FILE), step)).kept).toBe(step);
  });

  // A limit on file sizes stands in for the full disk: writing past it fails in the same place.
  it.skipIf(process.platform === "win32")("a disk that is full in the middle of a file leaves the folder as it was", async () => {
    const script = fileURLToPath(new URL("./fixtures/write-checkpoints.ts", import.meta.url));
    const shell = `trap '' XFSZ; ulimit -f 100; exec "$0" "$@"`;
    await save(7);
    const child = spawn("sh", ["-c", shell, process.execPath, "--conditions=zephyr-source", script, run], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let errors = "";
    child.stderr.on("data", (chunk) => {
      errors += chunk;
    });
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect(code).toBe(1);
    expect(errors).toMatch(/EFBIG/);
    expect((await readdir(run)).sort()).toEqual(["checkpoint-7", LOG_FILE]);
    expect((await newestGoodCheckpoint(run)).checkpoint?.step).toBe(7);
  });
});

describe("readTrainerState", () => {
  it.each([
    ["global_step", -1],
    ["global_step", 1.5],
    ["seed", "42"],
    ["epoch", null],
    ["rng_state", []],
    ["data_position", { epoch: 0 }],
    ["num_input_tokens_seen", 1e300],
  ])("%s of %j is refused", async (field, value) => {
    await writeTrainerState(run, state(1));
    const path = join(run, TRAINER_STATE_FILE);
    await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), [field]: value }));
    await expect(readTrainerState(run)).rejects.toMatchObject({ code: "ERR_CHECKPOINT", message: expect.stringContaining(path) });
  });

  it("keys on disk are Hugging Face's", async () => {
    await writeTrainerState(run, state(5));
    const json = JSON.parse(await readFile(join(run, TRAINER_STATE_FILE), "utf8"));
    expect(json).toMatchObject({ global_step: 5, max_steps: 20, num_train_epochs: 2, epoch: 0.5, num_input_tokens_seen: 615 });
  });
});
