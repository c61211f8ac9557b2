import { preferenceFromReply } from "./annotator-replies.ts";
import type { LengthControlData } from "./length-control-data.ts";
import { type LengthControlWeights, lengthControlledWinRate } from "./length-controlled.ts";
import { type Annotation, averageLength, type ModelOutput, withOutputs } from "./rows.ts";
import { type WinRate, winRate } from "./win-rate.ts";

export interface AlpacaEvalOptions {
  annotations: readonly Annotation[];
  /** The model's outputs: average length, and outputs that the annotations lack. */
  modelOutputs?: readonly ModelOutput[];
  /** The baseline's outputs: the order of the evaluation set, and outputs that the annotations lack. */
  referenceOutputs?: readonly ModelOutput[];
  lengthControl?: LengthControlData;
  /** Regularisation strength of the length-controlled fit; chosen by cross-validation when absent. */
  c?: number;
  /**
   * "compat" (default) looks difficulty up by row number, as the leaderboard does, so files with missing rows are shifted;
   * "strict" looks it up by instruction and refuses annotations that do not match the outputs.
   */
  mode?: "compat" | "strict";
}

/** The leaderboard's columns, in percent; the length-controlled ones are absent without `lengthControl`. */
export interface AlpacaEvalResult extends WinRate {
  avg_length?: number;
  length_controlled_winrate?: number;
  lc_standard_error?: number;
  lc_weights?: LengthControlWeights;
  lc_c?: number;
  /** What a reader should know: rows left out, a length-controlled rate far from the raw one. */
  notes: string[];
}

/**
 * Scores AlpacaEval annotations (version 1 or 2) as the published leaderboard does. A row without a `preference` key is
 * parsed again from its `raw_completion`; one that holds neither does not count, and is an error in strict mode, as are
 * mismatched files. Throws, naming the row, on what is no annotation.
 * Source: Li et al. 2023; Dubois et al. 2024 for length control.
 *
 * @example
 * alpacaEval({ annotations, modelOutputs }).win_rate; // 90.59775840597759 for zephyr-7b-beta, version 1
 */
export function alpacaEval(options: AlpacaEvalOptions): AlpacaEvalResult {
  const { annotations, modelOutputs, referenceOutputs, lengthControl, c, mode = "compat" } = options;
  if (annotations.length === 0) throw new RangeError("alpacaEval: there are no annotations; give at least one");
  if (mode === "strict") checkMatch(annotations, modelOutputs, referenceOutputs);
  const preferences = annotations.map((row, i) => preferenceOf(row, i, mode));
  const result: AlpacaEvalResult = { ...winRate(preferences), notes: [] };
  if (modelOutputs) result.avg_length = averageLength(modelOutputs);
  const failed = annotations.length - result.n_total;
  if (failed > 0)
    result.notes.push(
      `${failed} of ${annotations.length} rows have no preference between 1 and 2; they are left out of the win rate.`,
    );
  if (!lengthControl) return result;
  const known = lengthControl.difficulty.length;
  if (mode === "compat" && annotations.length > known) {
    result.notes.push(
      `length_controlled_winrate is left out: there are ${annotations.length} rows and ${known} instruction difficulties, which go by row number; keep one row an instruction.`,
    );
    return result;
  }
  const places = mode === "strict" ? placesByInstruction(annotations, referenceOutputs) : annotations.map((_, i) => i);
  const rows = withOutputs(annotations, modelOutputs, referenceOutputs).map((row, i) => ({
    output_1: row.output_1,
    output_2: row.output_2,
    preference: preferences[i]!,
    difficultyIndex: places[i]!,
  }));
  const controlled = lengthControlledWinRate(rows, lengthControl, c);
  result.length_controlled_winrate = controlled.length_controlled_winrate;
  result.lc_standard_error = controlled.lc_standard_error;
  result.lc_weights = controlled.weights;
  result.lc_c = controlled.c;
  result.notes.push(...suspicion(result.win_rate, controlled.length_controlled_winrate));
  return result;
}

/** What a row says, or what its raw reply says where it has no `preference` key; null for a row that does not count. */
function preferenceOf(row: Annotation, i: number, mode: "compat" | "strict"): number | null {
  const { instruction, preference, raw_completion } = row;
  if (typeof instruction !== "string")
    throw new TypeError(`alpacaEval: annotation ${i} has no text in "instruction"; give AlpacaEval's annotations`);
  if (preference === undefined) return raw_completion === undefined && mode === "compat" ? null : preferenceFromReply(row);
  if (preference !== null && typeof preference !== "number")
    throw new TypeError(
      `alpacaEval: annotation ${i} ("${instruction.slice(0, 60)}") has preference ${JSON.stringify(preference)}; it must be a number or null`,
    );
  return preference !== null && (preference === 0 || (preference >= 1 && preference <= 2)) ? preference : null;
}

/** A correction of more than 10 points and more than a quarter of the room left asks for a look at the outputs. */
function suspicion(raw: number, controlled: number): string[] {
  const moved = Math.abs(controlled - raw);
  const room = controlled > raw ? 100 - raw : raw;
  return moved > 10 && moved > room / 4
    ? [
        `Length control moves the win rate from ${raw.toFixed(1)} to ${controlled.toFixed(1)}: look at the outputs' lengths before trusting either.`,
      ]
    : [];
}

function placesByInstruction(annotations: readonly Annotation[], referenceOutputs: readonly ModelOutput[] | undefined): number[] {
  if (!referenceOutputs)
    throw new TypeError(
      'alpacaEval: strict mode finds difficulties by instruction and needs referenceOutputs for their order; give them or use mode: "compat"',
    );
  const places = new Map(referenceOutputs.map((row, i) => [row.instruction, i]));
  return annotations.map((row) => places.get(row.instruction)!);
}

function checkMatch(annotations: readonly Annotation[], ...files: (readonly ModelOutput[] | undefined)[]): void {
  const seen = new Set<string>();
  annotations.forEach(({ instruction, preference }, i) => {
    const place = `annotation ${i} ("${instruction.slice(0, 60)}")`;
    if (seen.has(instruction)) throw new RangeError(`alpacaEval: ${place} repeats an instruction; keep one row each`);
    seen.add(instruction);
    if (typeof preference === "number" && preference !== 0 && !(preference >= 1 && preference <= 2))
      throw new RangeError(`alpacaEval: ${place} has preference ${preference}; it must be 0, null or from 1 to 2`);
  });
  for (const [which, outputs] of [
    ["model", files[0]],
    ["reference", files[1]],
  ] as const) {
    if (!outputs) continue;
    const known = new Set(outputs.map((row) => row.instruction));
    const missing = annotations.findIndex((row) => !known.has(row.instruction));
    if (missing >= 0)
      throw new RangeError(
        `alpacaEval: annotation ${missing} ("${annotations[missing]!.instruction.slice(0, 60)}") is not in the ${which} outputs; the files belong to different sets`,
      );
  }
}
