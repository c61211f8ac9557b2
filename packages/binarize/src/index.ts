export type { Agreement } from "./agreement.ts";
export { type Binarizer, binarize } from "./binarize.ts";
export { type Draw, rowDraw } from "./draw.ts";
export type { H4PreferenceRow, ListwiseRow, UnpairedRow } from "./format.ts";
export type { BinarizeOptions, PairFormat } from "./options.ts";
export { type PairPresetName, type PresetName, presetNames, type ScoreName } from "./presets.ts";
export type { BinarizeReport, DropReason } from "./report.ts";
export type { Scale } from "./scores.ts";
export { dropTruthfulQa, repairOverallScores, type ScoreRepairReport, type TruthfulQaReport } from "./upstream.ts";
