import { average, sampleDeviation } from "../statistics/interval.ts";
import { dot, fitL1Logistic, type LogisticRows, sigmoid } from "./l1-logistic.ts";
import type { LengthControlData } from "./length-control-data.ts";
import { codePoints } from "./rows.ts";

/** Coefficients of the length-controlled model, under the names of the published weights file. */
export interface LengthControlWeights {
  /** Of tanh(length difference / its standard deviation). */
  length: number;
  /** Of the instruction's difficulty. */
  difficulty: number;
  /** Of the model itself: the log odds of winning at equal length on an instruction of difficulty 0. */
  model: number;
}

/** The length-controlled win rate, in percent, and the model that was fitted for it. */
export interface LengthControlled {
  length_controlled_winrate: number;
  lc_standard_error: number;
  weights: LengthControlWeights;
  /** The regularisation strength used, given or chosen by cross-validation. */
  c: number;
}

/** One judged pair, in the order of the annotations file. */
export interface LengthControlRow {
  output_1: string;
  output_2: string;
  preference: number | null;
  /** Index of the instruction whose difficulty applies. */
  difficultyIndex: number;
}

const FEATURES = 3;
/** Weight of a regularisation row: 0.2 shared by the two gamed variants of the baseline. */
const REGULARISATION_WEIGHT = 0.1;
const FOLDS = 5;

/** The ten regularisation strengths among which cross-validation chooses: 10^-4 to 10^4. */
export const C_GRID: readonly number[] = Array.from({ length: 10 }, (_, i) => 10 ** (-4 + (8 * i) / 9));

/**
 * Length-controlled win rate: a logistic model of the preference on length difference, instruction difficulty and model,
 * fitted with an L1 penalty beside the regularisation rows, then asked for the win rate at no length difference, over
 * all instructions, failed ones too. With `c` absent it is chosen by 5-fold cross-validation. In percent.
 * Source: Dubois et al. 2024, "Length-controlled AlpacaEval", equation 1; formula length_controlled_v1.
 */
export function lengthControlledWinRate(
  rows: readonly LengthControlRow[],
  data: LengthControlData,
  c?: number,
): LengthControlled {
  const differences = rows.map((row) => codePoints(row.output_1) - codePoints(row.output_2));
  const deviation = sampleDeviation(differences);
  const difficulty = rows.map((row, i) => {
    const value = data.difficulty[row.difficultyIndex];
    if (value === undefined)
      throw new RangeError(
        `lengthControlledWinRate: row ${i} asks for difficulty ${row.difficultyIndex}, there are ${data.difficulty.length}`,
      );
    return value;
  });
  const judged = rows.flatMap((row, i) =>
    row.preference === null
      ? []
      : [
          {
            x: [deviation > 0 ? Math.tanh(differences[i]! / deviation) : 0, difficulty[i]!, 1],
            target: (row.preference === 0 ? 1.5 : row.preference) - 1,
          },
        ],
  );
  const training = trainingRows(data, judged);
  const strength = c ?? chooseC(training);
  const [length, hard, model] = fitL1Logistic(training, strength) as [number, number, number];
  const weights = { length, difficulty: hard, model };
  return { ...winRateFromWeights(weights, difficulty), weights, c: strength };
}

/**
 * The length-controlled win rate that coefficients stand for: 100 mean sigmoid(model + difficulty gamma_i) over the
 * instructions, against the baseline itself or, with `opponent`, against another fitted model. In percent.
 */
export function winRateFromWeights(
  { model, difficulty }: LengthControlWeights,
  instructionDifficulty: readonly number[],
  opponent: LengthControlWeights = { length: 0, difficulty: 0, model: 0 },
): { length_controlled_winrate: number; lc_standard_error: number } {
  const predictions = instructionDifficulty.map((gamma) =>
    sigmoid(model - opponent.model + (difficulty - opponent.difficulty) * gamma),
  );
  const mean = average(predictions);
  return {
    length_controlled_winrate: 100 * mean,
    lc_standard_error: (100 * sampleDeviation(predictions, mean)) / Math.sqrt(predictions.length),
  };
}

/**
 * Instruction difficulties behind a fit: (logit(p) - model) / difficulty for each row's fitted preference p at equal
 * length, `glm_preference` between 0 and 1.
 */
export function recoverDifficulty(glmPreferences: readonly number[], { model, difficulty }: LengthControlWeights): number[] {
  return glmPreferences.map((p) => (Math.log(p / (1 - p)) - model) / difficulty);
}

/** The regularisation rows first, then the model's. */
function trainingRows({ gamed }: LengthControlData, judged: readonly { x: number[]; target: number }[]): LogisticRows {
  const all = [...gamed.map((row) => ({ x: [row.tanhLength, row.difficulty, 0], target: row.target })), ...judged];
  return {
    features: FEATURES,
    x: Float64Array.from(all.flatMap((row) => row.x)),
    target: Float64Array.from(all, (row) => row.target),
    weight: Float64Array.from(all, (_, i) => (i < gamed.length ? REGULARISATION_WEIGHT : 1)),
  };
}

/** The first C with the best mean held-out log-likelihood; row i is held out in fold i mod 5. */
function chooseC(rows: LogisticRows): number {
  const folds = Array.from({ length: FOLDS }, (_, fold) => ({
    train: subset(rows, (i) => i % FOLDS !== fold),
    test: subset(rows, (i) => i % FOLDS === fold),
  }));
  const starts: (number[] | undefined)[] = folds.map(() => undefined);
  const scores = C_GRID.map((c) => {
    const perFold = folds.map(({ train, test }, fold) => {
      const w = fitL1Logistic(train, c, starts[fold]);
      starts[fold] = w;
      return -meanLogLoss(test, w);
    });
    return average(perFold);
  });
  return C_GRID[scores.indexOf(Math.max(...scores))]!;
}

function subset({ features, x, target, weight }: LogisticRows, keep: (i: number) => boolean): LogisticRows {
  const indices = [...target.keys()].filter(keep);
  const kept = new Float64Array(indices.length * features);
  indices.forEach((from, to) => {
    kept.set(x.subarray(from * features, (from + 1) * features), to * features);
  });
  return {
    features,
    x: kept,
    target: Float64Array.from(indices, (i) => target[i]!),
    weight: Float64Array.from(indices, (i) => weight[i]!),
  };
}

function meanLogLoss({ features, x, target, weight }: LogisticRows, w: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < target.length; i++) {
    const p = Math.min(1 - 1e-15, Math.max(1e-15, sigmoid(dot(x, i * features, w))));
    sum -= weight[i]! * (target[i]! * Math.log(p) + (1 - target[i]!) * Math.log(1 - p));
  }
  return sum / target.length;
}
