import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { collatePreferences, collateSequences, collectRows, pipe, rowsOf, type TokenizedPreferenceRow } from "@zephyr/data";
import { dpo } from "@zephyr/losses";
import { describe, expect, it } from "vitest";
import type { Device } from "../device/request-device.ts";
import { newestGoodCheckpoint } from "../formats/trainer-state/checkpoint.ts";
import { loadModel } from "../model/load-model.ts";
import { deviceOrSkip } from "../testing/device.ts";
import { fixture, fixtureJson } from "../testing/reference.ts";
import { referenceLogps } from "./reference-logps.ts";
import { trainPreference } from "./train-preference.ts";
import { type TrainSftOptions, trainSft } from "./train-sft.ts";

const pairs = fixtureJson<{ rows: TokenizedPreferenceRow[] }>("trl_dpo_run/tokenized.json").rows.slice(0, 6);
const sequences = pairs.map(({ prompt_ids, chosen_ids }) => ({
  input_ids: [...prompt_ids, ...chosen_ids],
  completion_mask: [...prompt_ids.map(() => 0), ...chosen_ids.map(() => 1)],
}));
const batches = () => pipe(rowsOf(sequences), collateSequences({ sequencesPerBatch: 2 }));

const load = (device: Device, dropout: number) =>
  loadModel(device, fixture("mistral"), { lora: { r: 4, alpha: 8, dropout }, seed: 1 });

async function supervised(device: Device, dropout: number, options: Partial<TrainSftOptions> & { saveTo?: string } = {}) {
  using policy = await load(device, dropout);
  const settings = { learningRate: 0.01, maxSteps: 4, epochs: 4, gradientAccumulationSteps: 2, ...options };
  const training = trainSft({ policy, batches: batches(), ...settings });
  const log: number[][] = [];
  for await (const { step, metrics } of training) {
    const { eval_loss } = await training.evaluate(batches());
    log.push([metrics["loss"]!, metrics["grad_norm"]!, eval_loss!]);
    if (step !== 2 || options.saveTo === undefined) continue;
    await training.saveCheckpoint(options.saveTo);
    break;
  }
  return log;
}

describe("an adapter's dropout", () => {
  it("is drawn anew in every micro-batch of supervised training, and never in an evaluation", async (context) => {
    const device = await deviceOrSkip(context);
    const [with0, with30, again] = [
      await supervised(device, 0),
      await supervised(device, 0.3),
      await supervised(device, 0.3, { activationCheckpointing: true }),
    ];
    // B is 0 at first, so the first loss sees no adapter; its gradient does.
    expect(with30[0]![0]).toBe(with0[0]![0]);
    expect(with30[0]![1]).not.toBe(with0[0]![1]);
    expect(with30[3]![0]).not.toBe(with0[3]![0]);
    expect(with30[3]![2]).toBeLessThan(with30[0]![2]!);
    expect(again, "with each layer computed twice").toEqual(with30);
    const other = await supervised(device, 0.3, { seed: 1 });
    expect(other[0]![1]).not.toBe(with30[0]![1]);
  });

  it("goes on after a resume with the draws of an undisturbed run", async (context) => {
    const device = await deviceOrSkip(context);
    const folder = await mkdtemp(join(tmpdir(), "dropout-"));
    try {
      const whole = await supervised(device, 0.3);
      const first = await supervised(device, 0.3, { saveTo: folder });
      const { checkpoint } = await newestGoodCheckpoint(folder);
      const second = await supervised(device, 0.3, { resumeFrom: checkpoint!.path });
      expect([...first, ...second]).toEqual(whole);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("is off in preference training, as TRL's disable_dropout has it", async (context) => {
    const device = await deviceOrSkip(context);
    const losses = async (dropout: number): Promise<number[]> => {
      using policy = await load(device, dropout);
      const scored = await collectRows(pipe(rowsOf(pairs), referenceLogps<TokenizedPreferenceRow>(policy)));
      const pairBatches = () => pipe(rowsOf(scored), collatePreferences({ pairsPerBatch: 3 }));
      const training = trainPreference({ policy, batches: pairBatches, loss: dpo(), learningRate: 0.01, maxSteps: 2 });
      return (await collectSteps(training)).map(({ metrics }) => metrics["loss"]!);
    };
    expect(await losses(0.5)).toEqual(await losses(0));
  });
});

async function collectSteps<T>(steps: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const step of steps) all.push(step);
  return all;
}
