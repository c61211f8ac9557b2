import { join } from "node:path";
import { collatePreferences, pipe, readRows, shuffleRows, type TokenizedPreferenceRow, writeRows } from "@zephyr/data";
import { dpo } from "@zephyr/losses";
import { type Device, loadModel, referenceLogps, trainPreference } from "@zephyr/train-webgpu";
import { DPO, SEED } from "./settings.ts";
import { trainStage } from "./train-stage.ts";

/** dDPO of a model of this run: the reference's log-probabilities first, then the policy moves. */
export async function trainDpo(device: Device, output: string, { from, to }: { from: string; to: string }): Promise<string> {
  using policy = await loadModel(device, join(output, from));
  const folder = join(output, to);
  const scored = async (part: string) =>
    writeRows(
      join(output, `data/${to}-${part}.jsonl`),
      pipe(
        readRows<TokenizedPreferenceRow>(join(output, `data/preference-ids-${part}.jsonl`)),
        referenceLogps(policy, { pairsPerBatch: 32 }),
      ),
    );
  const [rows, heldRows] = [await scored("train"), await scored("test")];
  const collate = collatePreferences({ pairsPerBatch: DPO.pairsPerBatch });
  const { epochs, beta, learningRate, schedule, warmupRatio } = DPO;
  await trainStage({
    title: to === "ddpo" ? "dDPO + dSFT" : "dDPO without dSFT",
    policy,
    output: folder,
    saveSteps: 25,
    held: pipe(heldRows, collate),
    training: (resumeFrom) =>
      trainPreference({
        policy,
        batches: (epoch) => pipe(rows, shuffleRows({ seed: SEED + epoch }), collate),
        loss: dpo({ beta }),
        epochs,
        learningRate,
        schedule,
        warmupRatio,
        seed: SEED,
        ...(resumeFrom !== undefined && { resumeFrom }),
      }),
  });
  return `${rows.count} pairs, ${epochs} epochs`;
}
