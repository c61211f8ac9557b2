import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { collateSequences, pipe, rowsOf } from "@zephyr/data";
import { loadModel, newestGoodCheckpoint, readLog, requestDevice, trainSft } from "@zephyr/train-webgpu";
import { describe, expect, it } from "vitest";
import { createReporter } from "../progress/progress.ts";
import { reference, temporaryFolder } from "../testing/run-cli.ts";
import { rowTrail } from "./row-names.ts";
import { openRunFolder } from "./run-folder.ts";
import { openTelemetry } from "./telemetry.ts";
import { runTraining } from "./training-loop.ts";

describe("a device that is lost in the middle of a run", () => {
  it("ends it with ERR_DEVICE_LOST; the checkpoints and the log of the steps before are whole", async (context) => {
    using device = await requestDevice().catch((error: Error) => context.skip(error.message));
    using policy = await loadModel(device, reference("mistral"));
    const reporter = createReporter({ write: () => true }, {});
    const path = join(temporaryFolder(), "run");
    using folder = await openRunFolder({ path, resume: false, overwrite: false, settings: {}, reporter });
    const rows = Array.from({ length: 8 }, (_, i) => ({ input_ids: [1, 5 + i, 9, 30], completion_mask: [0, 1, 1, 1] }));
    const batches = pipe(rowsOf(rows), collateSequences({ sequencesPerBatch: 2 }));
    const trail = rowTrail<{ rowIds?: string[] }>(1);
    const training = trainSft({ policy, batches, learningRate: 1e-3, epochs: 2 });
    let steps = 0;
    const failing = {
      ...training,
      async *[Symbol.asyncIterator]() {
        for await (const step of training) {
          yield step;
          // The driver is reset while the run is between its third step and the fourth.
          if (++steps === 3) device.gpu.destroy();
        }
      },
    };
    const never = new AbortController().signal;
    const run = runTraining({
      device,
      training: failing,
      folder,
      checkpoints: { saveSteps: 1, saveTotalLimit: undefined, loadBest: false },
      evaluation: undefined,
      best: undefined,
      lossLimit: undefined,
      trail,
      telemetry: openTelemetry({ folder: path, rows: rows.length, reportTo: "none" }),
      sampler: undefined,
      reporter,
      interrupt: { drain: never, signal: never },
    });
    await expect(run).rejects.toMatchObject({
      code: "ERR_DEVICE_LOST",
      message: expect.stringMatching(/was lost .*go on from a checkpoint/),
    });
    expect((await newestGoodCheckpoint(path)).checkpoint?.step).toBe(3);
    expect((await readLog(folder.logFile)).map(({ step }) => step)).toEqual([1, 2, 3]);
    expect(existsSync(join(path, "model.safetensors"))).toBe(false);
    expect(readdirSync(path).filter((name) => /partial|tmp/.test(name))).toEqual([]);
  });
});
