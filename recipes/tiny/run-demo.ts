import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { requestDevice } from "@zephyr/train-webgpu";
import { collectFeedback } from "./collect-feedback.ts";
import { evaluateSystems } from "./evaluate-systems.ts";
import { makeData } from "./make-data.ts";
import { openJudge } from "./open-judge.ts";
import { openStages } from "./stages.ts";
import { trainDpo } from "./train-dpo.ts";
import { trainSftStage } from "./train-sft-stage.ts";
import { writeResult } from "./write-result.ts";

/**
 * The whole recipe on the tiny world: dSFT, answers of a pool, ratings, binarization, dDPO with and without dSFT, evaluation.
 * Every stage writes files and is skipped when they are there, so a killed run goes on where it was.
 */
export async function demo({ output }: { output: string }): Promise<void> {
  for (const folder of ["data", "journals"]) mkdirSync(join(output, folder), { recursive: true });
  const stages = openStages(join(output, "stages.json"));
  await stages.run("world", () => makeData(output));
  using device = await requestDevice({ onProgress: (message) => process.stderr.write(`${message}\n`) });
  process.stderr.write(`adapter: ${device.adapter.description || device.adapter.architecture} (${device.adapterClass})\n`);
  await using judge = await openJudge();
  await stages.run("dSFT", () => trainSftStage(device, output));
  await collectFeedback(device, output, stages, judge.model);
  await stages.run("dDPO + dSFT", () => trainDpo(device, output, { from: "dsft", to: "ddpo" }));
  await stages.run("dDPO without dSFT", () => trainDpo(device, output, { from: "base", to: "ddpo-without-dsft" }));
  const evaluation = await evaluateSystems(device, output, stages, judge.model);
  await writeResult(output, { device, stages, evaluation });
}
