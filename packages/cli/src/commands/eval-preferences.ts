import {
  collectRows,
  pipe,
  readRows,
  rowsOf,
  type TokenizedPreferenceRow,
  tokenizePreferences,
  type UntypedRow,
} from "@zephyr/data";
import { preferenceAccuracy, type RewardedPair } from "@zephyr/eval";
import { loadModel, referenceLogps } from "@zephyr/train-webgpu";
import { usageError } from "../errors/usage-error.ts";
import { checkResult, resultFlags, saveResult } from "../evaluation/result-folder.ts";
import { integer, number, text } from "../flags/flag.ts";
import { type Interrupt, untilInterrupted } from "../interrupt/interrupt.ts";
import { openModel } from "../models/open-policy.ts";
import { modelFolder } from "../models/sources.ts";
import type { Reporter } from "../progress/progress.ts";
import { checkInput } from "../rows/output-file.ts";
import { command } from "./command.ts";

const flags = {
  data: text({ help: "held-out pairs, or rows with chosen_reward and rejected_reward", placeholder: "FILE", required: true }),
  model: text({ help: "the model to be evaluated: folder, or id on the Hub", placeholder: "DIR|ID" }),
  adapter: text({ help: "PEFT adapter on top of it; the reference is then the model without it", placeholder: "DIR" }),
  refModel: text({ help: "the reference, if there is no adapter", placeholder: "DIR|ID" }),
  beta: number({ help: "strength of the reference", default: 0.1, min: 0 }),
  maxLength: integer({ help: "tokens per sequence; 0: no limit", default: 1024, min: 0, whenNull: 0 }),
  perDeviceEvalBatchSize: integer({ help: "pairs at a time", default: 8, min: 1 }),
  ...resultFlags,
};

/** `zephyr eval preferences`: how well rewards rank held-out pairs. */
export const evalPreferences = command({
  description: "Accuracy, margin and calibration of a model's implicit rewards on held-out pairs, by source and by length.",
  flags,
  graceful: true,
  async run({ flags, reporter, interrupt }) {
    checkResult("preferences", flags);
    checkInput(flags.data, "--data");
    const rows = await collectRows(pipe(readRows(flags.data), untilInterrupted<UntypedRow>(interrupt)));
    const { model } = flags;
    const pairs = model === undefined ? givenRewards(rows) : await rewardsOf(rows, { ...flags, model, reporter, interrupt });
    const result = preferenceAccuracy(pairs);
    saveResult("preferences", flags.output, result);
    const {
      accuracy,
      accuracy_ci: [low, high],
      margin,
      n,
    } = result;
    return {
      result,
      lines: [
        `accuracy ${accuracy.toFixed(4)} [${low.toFixed(4)}, ${high.toFixed(4)}] over ${n} pairs, margin ${margin.toFixed(4)}`,
      ],
    };
  },
});

function givenRewards(rows: readonly UntypedRow[]): RewardedPair[] {
  const missing = rows.findIndex((row) => typeof row.chosen_reward !== "number" || typeof row.rejected_reward !== "number");
  if (missing < 0) return [...rows];
  throw usageError(`--model is missing, and row ${missing + 1} of --data has no chosen_reward and rejected_reward; give either`);
}

interface RewardOptions {
  model: string;
  adapter: string | undefined;
  refModel: string | undefined;
  beta: number;
  maxLength: number;
  perDeviceEvalBatchSize: number;
  reporter: Reporter;
  interrupt: Interrupt;
}

/** beta (log pi - log ref) of both answers of each pair (Rafailov et al. 2023, section 4). */
async function rewardsOf(rows: UntypedRow[], options: RewardOptions): Promise<RewardedPair[]> {
  const { adapter, refModel, beta, maxLength, perDeviceEvalBatchSize: pairsPerBatch, reporter, interrupt } = options;
  if (adapter === undefined && refModel === undefined)
    throw usageError("--ref-model is missing; rewards compare the model with it (or give --adapter)");
  if (adapter !== undefined && refModel !== undefined)
    throw usageError("--adapter and --ref-model are both given; under an adapter the reference is the model without it");
  const reference = refModel === undefined ? undefined : await modelFolder(refModel, "--ref-model");
  using opened = await openModel(options, reporter);
  const { policy } = opened;
  const tokenize = tokenizePreferences(policy.tokenizer, maxLength === 0 ? {} : { maxLength });
  const pairs: (TokenizedPreferenceRow & UntypedRow)[] = await collectRows(tokenize<UntypedRow>(rowsOf(rows)));
  const logps = (stage: ReturnType<typeof referenceLogps<TokenizedPreferenceRow>>) =>
    collectRows(pipe(rowsOf<TokenizedPreferenceRow>(pairs), untilInterrupted<TokenizedPreferenceRow>(interrupt), stage));
  const own = await logps(referenceLogps(policy, { pairsPerBatch, adapter: "on" }));
  using other = reference === undefined ? undefined : await loadModel(policy.device, reference);
  const theirs = await logps(referenceLogps(other ?? policy, { pairsPerBatch, adapter: "off" }));
  return pairs.map(({ prompt_id, source, chosen_ids, rejected_ids }, i) => ({
    chosen_reward: beta * (own[i]!.ref_chosen_logps! - theirs[i]!.ref_chosen_logps!),
    rejected_reward: beta * (own[i]!.ref_rejected_logps! - theirs[i]!.ref_rejected_logps!),
    ...(typeof prompt_id === "string" && { prompt_id }),
    ...(typeof source === "string" && { source }),
    chosen_length: chosen_ids.length,
    rejected_length: rejected_ids.length,
  }));
}
