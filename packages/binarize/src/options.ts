import { codedError } from "./coded-error.ts";
import { checkPreset, isPairPreset, type PresetName, pairPresets, type ScoreName } from "./presets.ts";
import type { BinarizeReport } from "./report.ts";
import type { Scale, Scales } from "./scores.ts";

/** "trl": prompt, chosen and rejected are message lists, the answers alone; "h4": whole dialogues and a string prompt, as `ultrafeedback_binarized`. */
export type PairFormat = "trl" | "h4";

export interface BinarizeOptions {
  /** The rule, by name. */
  preset: PresetName;
  /** Any integer; a row's draws depend on it and on the row's `prompt_id` alone. */
  seed: number;
  /** Spelling of pairs; "trl" by default. */
  format?: PairFormat;
  /** Score of the presets that nobody published ("max-min", "all-pairs", "margin", "unpaired", "listwise"); "mean" by default. */
  score?: ScoreName;
  /** Least difference of scores for "margin"; 1 by default. */
  margin?: number;
  /** Score from which "unpaired" labels a completion desirable; the middle of the scale by default. */
  threshold?: number;
  /** A rating that is missing, no number or off its scale: an error (default), or its completion is dropped and counted. */
  onBadRating?: "error" | "drop";
  /** A row with fewer rated completions than the rule needs: dropped and counted (default), or an error. */
  onTooFew?: "drop" | "error";
  /** Scale of an aspect's rating; [1, 5] by default. */
  aspectScale?: Scale;
  /** Scale of the overall score; [1, 10] by default. */
  overallScale?: Scale;
  /** Called once at the end of every complete pass over the rows. */
  onReport?: (report: BinarizeReport) => void;
}

/** The options with every default filled in and every value checked. */
export interface Settings {
  preset: PresetName;
  seed: number;
  format: PairFormat;
  score: ScoreName;
  margin: number;
  threshold: number;
  onBadRating: "error" | "drop";
  onTooFew: "drop" | "error";
  scales: Scales;
  onReport: ((report: BinarizeReport) => void) | undefined;
}

/** Throws RangeError (`UNKNOWN_PRESET`, `BAD_OPTION`) before any row is read. */
export function checkOptions(options: BinarizeOptions): Settings {
  const preset = checkPreset(options.preset);
  const paired = isPairPreset(preset);
  const published = paired && pairPresets[preset].published;
  if (published && options.score !== undefined && options.score !== pairPresets[preset].score) {
    throw badOption(
      "score",
      options.score,
      `preset "${preset}" is published with "${pairPresets[preset].score}"; leave score out`,
    );
  }
  if (!paired && options.format !== undefined && options.format !== "trl") {
    throw badOption("format", options.format, `preset "${preset}" gives no pairs; leave format out`);
  }
  const scales = { aspect: options.aspectScale ?? ([1, 5] as const), overall: options.overallScale ?? ([1, 10] as const) };
  checkScale("aspectScale", scales.aspect);
  checkScale("overallScale", scales.overall);
  const score = oneOf("score", published ? pairPresets[preset].score : (options.score ?? "mean"), ["mean", "overall"]);
  const [lowest, highest] = score === "mean" ? scales.aspect : scales.overall;
  const margin = options.margin ?? 1;
  if (!(margin > 0 && Number.isFinite(margin))) throw badOption("margin", margin, "it must be a number above 0");
  const threshold = options.threshold ?? (lowest + highest) / 2;
  if (!Number.isFinite(threshold)) throw badOption("threshold", threshold, "it must be a number");
  if (!Number.isSafeInteger(options.seed)) throw badOption("seed", options.seed, "it must be an integer");
  return {
    preset,
    seed: options.seed,
    format: oneOf("format", options.format ?? "trl", ["trl", "h4"]),
    score,
    margin,
    threshold,
    onBadRating: oneOf("onBadRating", options.onBadRating ?? "error", ["error", "drop"]),
    onTooFew: oneOf("onTooFew", options.onTooFew ?? "drop", ["drop", "error"]),
    scales,
    onReport: options.onReport,
  };
}

function checkScale(name: string, scale: Scale): void {
  const [lowest, highest] = scale;
  if (!(Number.isFinite(lowest) && Number.isFinite(highest) && lowest < highest)) {
    throw badOption(name, scale, "it must be [lowest, highest]");
  }
}

function oneOf<T extends string>(name: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value;
  throw badOption(name, value, `it must be one of ${allowed.map((each) => `"${each}"`).join(", ")}`);
}

function badOption(name: string, value: unknown, why: string) {
  const shown = typeof value === "number" ? String(value) : JSON.stringify(value);
  return codedError(new RangeError(`binarize: ${name} is ${shown}; ${why}`), "BAD_OPTION");
}
