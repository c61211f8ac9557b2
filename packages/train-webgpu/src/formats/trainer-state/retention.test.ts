import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { COMPLETE_FILE, newestGoodCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import { copyCheckpointModel } from "./copy-model.ts";
import { OPTIMIZER_FILE } from "./optimizer-moments.ts";
import { pruneCheckpoints } from "./retention.ts";

let run: string;
beforeEach(async () => {
  run = await mkdtemp(join(tmpdir(), "retention-"));
});
afterEach(() => rm(run, { recursive: true, force: true }));

const save = (globalStep: number, files: Record<string, string>) =>
  writeCheckpoint(
    run,
    {
      globalStep,
      maxSteps: 20,
      numTrainEpochs: 1,
      epoch: 1,
      numTokens: 1,
      seed: 0,
      dataPosition: { epoch: 0, microBatch: globalStep },
      rngState: {},
      hyperparameters: {},
    },
    async (folder) => {
      for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    },
  );
const model = (text: string) => ({
  "config.json": "{}",
  "model.safetensors": text,
  "tokenizer.json": "t",
  [OPTIMIZER_FILE]: "m",
});
const steps = async () => (await readdir(run)).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));

describe("pruneCheckpoints", () => {
  it("removes the oldest by number and leaves the newest, the best and what is no checkpoint", async () => {
    for (const step of [2, 4, 6, 8, 10, 100]) await save(step, model("w"));
    await mkdir(join(run, "checkpoint-x"));
    expect((await pruneCheckpoints(run, { limit: 3, keep: 4 })).map(({ step }) => step)).toEqual([2, 6, 8]);
    expect(await steps()).toEqual(["checkpoint-4", "checkpoint-x", "checkpoint-10", "checkpoint-100"]);
    // As transformers does: the newest and the best, so two under a limit of one.
    await pruneCheckpoints(run, { limit: 1, keep: 4 });
    expect(await steps()).toEqual(["checkpoint-4", "checkpoint-x", "checkpoint-100"]);
    expect(await pruneCheckpoints(run, { limit: 2 })).toEqual([]);
    await pruneCheckpoints(run, { limit: 1 });
    expect((await newestGoodCheckpoint(run)).checkpoint?.step).toBe(100);
    expect(await steps()).toEqual(["checkpoint-x", "checkpoint-100"]);
    await expect(pruneCheckpoints(run, { limit: 0 })).rejects.toThrow(/limit is 0; give a whole number from 1/);
  });
});

describe("copyCheckpointModel", () => {
  it("takes the model and tokenizer over the older ones of a run, shards included, and nothing of the run's state", async () => {
    const best = await save(3, { ...model("best"), "generation_config.json": "{}" });
    for (const [name, text] of Object.entries({
      "model-00001-of-00002.safetensors": "old",
      "config.json": "old",
      "log.jsonl": "log",
    }))
      await writeFile(join(run, name), text);
    await copyCheckpointModel(best, run);
    expect(await steps()).toEqual(
      ["log.jsonl", "config.json", "checkpoint-3", "tokenizer.json", "model.safetensors", "generation_config.json"].sort(
        (a, b) => a.length - b.length,
      ),
    );
    expect(await readFile(join(run, "model.safetensors"), "utf8")).toBe("best");
    expect(await readFile(join(run, "config.json"), "utf8")).toBe("{}");
  });

  it("refuses a damaged checkpoint and leaves the folder as it was", async () => {
    const best = await save(3, { "adapter_config.json": "{}", "adapter_model.safetensors": "weights" });
    await copyCheckpointModel(best, join(run, "fresh"));
    expect((await readdir(join(run, "fresh"))).sort()).toEqual(["adapter_config.json", "adapter_model.safetensors"]);
    await truncate(join(best, "adapter_model.safetensors"), 3);
    await expect(copyCheckpointModel(best, join(run, "fresh"))).rejects.toMatchObject({ code: "ERR_CHECKPOINT" });
    expect(await readFile(join(run, "fresh", "adapter_model.safetensors"), "utf8")).toBe("weights");
    expect(await readdir(best)).toContain(COMPLETE_FILE);
  });
});
