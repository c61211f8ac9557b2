import { join } from "node:path";
import { collateSequences, type DialogueRow, pipe, readRows, shuffleRows, tokenizeDialogues, writeRows } from "@zephyr/data";
import { createModel, type Device, parseModelConfig, trainSft } from "@zephyr/train-webgpu";
import { tinyTokenizer } from "./make-data.ts";
import { MODEL, SEED, SFT } from "./settings.ts";
import { trainStage } from "./train-stage.ts";

/** dSFT from random weights; keeps the untrained model as `base` and an unfinished one as `dsft-early`. */
export async function trainSftStage(device: Device, output: string): Promise<string> {
  const tokenizer = await tinyTokenizer();
  using policy = await createModel(device, parseModelConfig({ ...MODEL, vocab_size: tokenizer.vocabSize }), {
    seed: SEED,
    tokenizer,
  });
  const folder = join(output, "dsft");
  await policy.save(join(output, "base"));
  const rows = await writeRows(
    join(output, "data/dialogue-ids.jsonl"),
    pipe(readRows<DialogueRow>(join(output, "data/dialogues.jsonl")), tokenizeDialogues(tokenizer, { assistantOnlyLoss: true })),
  );
  const batches = (epoch: number) =>
    pipe(rows, shuffleRows({ seed: SEED + epoch }), collateSequences({ tokensPerBatch: SFT.tokensPerBatch }));
  const { epochs, learningRate, schedule, warmupRatio, adamBeta2 } = SFT;
  let kept = false;
  const last = await trainStage({
    title: "dSFT",
    policy,
    output: folder,
    saveSteps: 100,
    training: (resumeFrom) =>
      trainSft({
        adamBeta2,
        policy,
        batches,
        epochs,
        learningRate,
        schedule,
        warmupRatio,
        seed: SEED,
        ...(resumeFrom !== undefined && { resumeFrom }),
      }),
    onStep: async ({ step, totalSteps }) => {
      if (kept || step < totalSteps * SFT.earlyFraction) return;
      kept = true;
      await policy.save(join(output, "dsft-early"));
    },
  });
  return `${rows.count} dialogues, loss ${last["loss"]!.toFixed(3)}, token accuracy ${last["mean_token_accuracy"]!.toFixed(3)}`;
}
