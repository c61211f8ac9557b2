import {
  collatePreferences,
  type PreferenceBatch,
  type TokenizedPreferenceRow,
  tokenizePreferences,
  type UntypedRow,
} from "@zephyr/data";
import { type BuiltInPreferenceLoss, lossByName, type PairedLossName, pairedLosses } from "@zephyr/losses";
import { trainPreference } from "@zephyr/train-webgpu";
import { usageError } from "../errors/usage-error.ts";
import { choice, type FlagValues, number, numbers, text, texts, toggle } from "../flags/flag.ts";
import { didYouMean } from "../flags/nearest.ts";
import { trainingFlags } from "../flags/training-flags.ts";
import { modelFolder } from "../models/sources.ts";
import {
  chooseReference,
  hasReference,
  isInitialPolicy,
  REFERENCE_MODES,
  type ReferenceCopy,
  referenceCopy,
  scorePairs,
} from "../training/reference.ts";
import { learningRate, trainCommand } from "../training/train-command.ts";
import { adapterOptions } from "../training/training-settings.ts";
import { command } from "./command.ts";

const referenceFlags = {
  refModel: text({ help: "the reference, if not the model as it begins", placeholder: "DIR|ID" }),
  reference: choice({
    help: "precompute: once, before training; copy: a second model scores each batch; adapter-off: the base model under an adapter [adapter-off with an adapter, else precompute]",
    choices: REFERENCE_MODES,
  }),
};

const lossFlags = {
  lossType: texts({ help: "TRL's loss_type; several are summed", default: ["sigmoid"], placeholder: "NAMES" }),
  lossWeights: numbers({ help: "weights of the losses [1 each]" }),
  beta: number({ help: "strength of the reference", default: 0.1, min: 0 }),
  labelSmoothing: number({ help: "fraction of wrong labels, for the losses that take it", min: 0, max: 0.5 }),
  fDivergenceType: text({ help: "reverse_kl, forward_kl, js_divergence or alpha_divergence", placeholder: "NAME" }),
  fAlphaDivergenceCoef: number({ help: "alpha of alpha_divergence" }),
  discopopTau: number({ help: "temperature of discopop" }),
  simpoGamma: number({ help: "target margin of simpo" }),
  cpoAlpha: number({ help: "weight of the supervised term of cpo and simpo" }),
  ldAlpha: number({ help: "LD-DPO: weight of the tokens beyond the shorter answer's length", min: 0, max: 1 }),
  useWeighting: toggle({ help: "WPO: weigh each pair by how likely the policy is to write it" }),
};

export const dpoFlags = { ...trainingFlags, learningRate: learningRate(1e-6), ...referenceFlags, ...lossFlags };

/** `zephyr dpo`: dDPO, as TRL's DPOTrainer does it. */
export const dpo = command({
  description:
    "Direct preference optimization on pairs (any TRL format, or prompt_ids, chosen_ids and rejected_ids), as TRL's DPOTrainer does it.",
  flags: dpoFlags,
  graceful: true,
  async run(invocation) {
    const { flags, reporter, interrupt } = invocation;
    const { maxLength, initAdapter } = flags;
    const loss = preferenceLoss(flags);
    const reference = chooseReference(flags.reference, flags.refModel, flags.loraR !== undefined || initAdapter !== undefined);
    if (flags.refModel !== undefined) reference.model = await modelFolder(flags.refModel, "--ref-model");
    const pairsPerBatch = flags.perDeviceTrainBatchSize;
    const ld = flags.ldAlpha === undefined ? {} : { ldAlpha: flags.ldAlpha };
    let copy: ReferenceCopy | undefined;
    let isGiven = false;
    return trainCommand<TokenizedPreferenceRow, PreferenceBatch>(invocation, {
      tokenize: (tokenizer) => (rows) => tokenizePreferences(tokenizer, maxLength === 0 ? {} : { maxLength })<UntypedRow>(rows),
      async score(rows, source, run) {
        if (loss.needsReference === false) return rows;
        if (rows.every(hasReference)) {
          reporter.note("the rows hold ref_chosen_logps and ref_rejected_logps, which are used");
          isGiven = true;
          return rows;
        }
        const adapter = adapterOptions(flags);
        if (reference.mode === "copy") {
          const load = reference.model === undefined ? adapter : { dtype: flags.dtype };
          copy ??= await referenceCopy(run.device, reference.model ?? run.model, { load, pairsPerBatch, ...ld });
          return rows;
        }
        const key = [await source.fingerprint(), run.policy.tokenizer?.fingerprint, maxLength, adapter];
        return scorePairs(rows, {
          run,
          reference,
          key,
          pairsPerBatch,
          ldAlpha: flags.ldAlpha,
          dtype: flags.dtype,
          reporter,
          interrupt,
        });
      },
      collate: (rows, size) => collatePreferences({ pairsPerBatch: size })(copy ? copy.score(rows) : rows),
      start: ({ policy }, options, batches) =>
        trainPreference({
          policy,
          ...options,
          loss,
          batches,
          ...ld,
          useWeighting: flags.useWeighting,
          reference: !isGiven && isInitialPolicy(reference, initAdapter) ? "initial-policy" : "other",
        }),
    }).finally(() => copy?.[Symbol.dispose]());
  },
});

/** The loss that the flags name. Throws a usage error for an unknown name, an option that no named loss takes. */
function preferenceLoss(flags: FlagValues<typeof lossFlags>): BuiltInPreferenceLoss {
  const { lossType, lossWeights } = flags;
  const names = [...Object.keys(pairedLosses), "dpo"];
  for (const name of lossType) {
    if (!names.includes(name))
      throw usageError(`--loss-type ${name} is not known${didYouMean(name, names)}; there are ${names.join(", ")}`);
  }
  if (lossWeights !== undefined && lossWeights.length !== lossType.length) {
    throw usageError(`--loss-weights has ${lossWeights.length} weights for ${lossType.length} losses; give one per loss`);
  }
  const { beta, labelSmoothing, fDivergenceType, fAlphaDivergenceCoef, discopopTau, simpoGamma, cpoAlpha } = flags;
  const options = { beta, labelSmoothing, fDivergenceType, fAlphaDivergenceCoef, discopopTau, simpoGamma, cpoAlpha, lossWeights };
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  let loss: BuiltInPreferenceLoss;
  try {
    loss = lossByName(lossType.length === 1 && lossWeights === undefined ? (lossType[0] as PairedLossName) : lossType, given);
  } catch (cause) {
    throw usageError((cause as Error).message, cause);
  }
  if (!flags.useWeighting || loss.acceptsPairWeights !== false) return loss;
  throw usageError(`--use-weighting cannot be used with ${lossType.join(", ")}, which sorts its batch; leave it out`);
}
