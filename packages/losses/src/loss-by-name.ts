import { optionError, suggestion } from "./options.ts";
import { aot } from "./paired/aot.ts";
import { aotUnpaired } from "./paired/aot-unpaired.ts";
import { apoDown } from "./paired/apo-down.ts";
import { apoZero } from "./paired/apo-zero.ts";
import { bcoPair } from "./paired/bco-pair.ts";
import { combine } from "./paired/combine.ts";
import { conservativeDpo } from "./paired/conservative-dpo.ts";
import { discopop } from "./paired/discopop.ts";
import { dpo } from "./paired/dpo.ts";
import { exoPair } from "./paired/exo-pair.ts";
import { hinge } from "./paired/hinge.ts";
import { ipo } from "./paired/ipo.ts";
import { ncaPair } from "./paired/nca-pair.ts";
import { robust } from "./paired/robust.ts";
import { sft } from "./paired/sft.ts";
import { sigmoidNorm } from "./paired/sigmoid-norm.ts";
import { sppoHard } from "./paired/sppo-hard.ts";
import { alphaPo } from "./reference-free/alpha-po.ts";
import { cpo } from "./reference-free/cpo.ts";
import { orpo } from "./reference-free/orpo.ts";
import { simpo } from "./reference-free/simpo.ts";
import { reward } from "./reward.ts";
import type { BuiltInPreferenceLoss, RewardLoss, UnpairedLoss } from "./types.ts";
import { apoZeroUnpaired } from "./unpaired/apo-zero-unpaired.ts";
import { bco } from "./unpaired/bco.ts";
import { kto } from "./unpaired/kto.ts";

/** Losses on pairs, by TRL's `loss_type` (or the trainer's name, for CPO, SimPO, AlphaPO and ORPO). */
export const pairedLosses = {
  sigmoid: dpo,
  hinge,
  ipo,
  exo_pair: exoPair,
  nca_pair: ncaPair,
  robust,
  bco_pair: bcoPair,
  sppo_hard: sppoHard,
  aot,
  aot_unpaired: aotUnpaired,
  apo_zero: apoZero,
  apo_down: apoDown,
  discopop,
  sft,
  sigmoid_norm: sigmoidNorm,
  conservative_dpo: conservativeDpo,
  cpo,
  simpo,
  alpha_po: alphaPo,
  orpo,
} as const;

/** Losses on single completions with a label. */
export const unpairedLosses = { kto, apo_zero_unpaired: apoZeroUnpaired, bco } as const;

const factories = { ...pairedLosses, ...unpairedLosses, reward } as const;

/** The name of a loss on pairs. */
export type PairedLossName = keyof typeof pairedLosses;
/** The name of a loss on single answers with a label. */
export type UnpairedLossName = keyof typeof unpairedLosses;
/** A name that `lossByName` knows. */
export type LossName = keyof typeof factories;

/** Options of `lossByName`: the camelCase of TRL's names, whichever the named loss takes. */
export type LossOptions = Readonly<Record<string, unknown>>;

type AnyLoss = BuiltInPreferenceLoss | UnpairedLoss | RewardLoss;
type Factory = (options?: object) => AnyLoss;

/**
 * The loss of that name, with `options` in the camelCase of TRL's names; a list of names is their sum weighted by
 * `lossWeights` (default 1 each), where every loss gets the options that it takes.
 *
 * A list always gives a loss on pairs, also a list of one. TRL's spelling (`exo_pair`) and the factory's own (`exoPair`)
 * both work. An option that TRL hands to every loss is accepted at its default where it has no effect. Throws TypeError on an unknown name (with the nearest one) and on an
 * option that no named loss takes, RangeError on a value outside its interval.
 *
 * @example
 * const mpo = lossByName(["sigmoid", "bco_pair", "sft"], { beta: 0.1, lossWeights: [0.8, 0.2, 1] });
 */
export function lossByName(name: PairedLossName | readonly string[], options?: LossOptions): BuiltInPreferenceLoss;
export function lossByName(name: UnpairedLossName, options?: LossOptions): UnpairedLoss;
export function lossByName(name: "reward", options?: LossOptions): RewardLoss;
export function lossByName(name: string | readonly string[], options?: LossOptions): AnyLoss;
export function lossByName(name: string | readonly string[], options: LossOptions = {}): AnyLoss {
  const { lossWeights, ...rest } = options;
  const weighted = lossWeights !== undefined && lossWeights !== null;
  if (typeof name === "string" && !weighted) return factoryOf(name)(rest);
  const names = typeof name === "string" ? [name] : name;
  const losses = names.map((each) => factoryOf(each)(optionsTakenBy(each, names, rest)));
  return combine(losses as BuiltInPreferenceLoss[], lossWeights as readonly number[] | null | undefined);
}

/**
 * `options` without those that belong to other losses of the sum. One that no loss takes stays in, to be refused; so does
 * a divergence, which TRL refuses unless every loss takes it.
 */
function optionsTakenBy(name: string, all: readonly string[], options: LossOptions): LossOptions {
  const kept = Object.keys(options).filter(
    (option) =>
      option === "fDivergenceType" || takes(name, option, options) || !all.some((other) => takes(other, option, options)),
  );
  return Object.fromEntries(kept.map((option) => [option, options[option]]));
}

function takes(name: string, option: string, options: LossOptions): boolean {
  const factory = factoryOf(name);
  try {
    factory({ [option]: options[option] });
  } catch (error) {
    return (error as { code?: string }).code !== "LOSS_OPTION_UNKNOWN";
  }
  return true;
}

function factoryOf(name: string): Factory {
  const spelled = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const key = spelled === "dpo" ? "sigmoid" : spelled;
  if (Object.hasOwn(factories, key)) return factories[key as LossName] as Factory;
  const names = Object.keys(factories);
  throw optionError(
    TypeError,
    `lossByName: no loss is called "${name}"${suggestion(name, names)}; there are ${names.join(", ")}`,
  );
}
