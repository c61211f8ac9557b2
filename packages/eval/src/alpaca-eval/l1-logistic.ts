/** Rows of a logistic regression with soft targets. */
export interface LogisticRows {
  /** Number of features, K. */
  features: number;
  /** [N * K] row by row. */
  x: Float64Array;
  /** [N] share of the positive label, 0 to 1. */
  target: Float64Array;
  /** [N] weight of the row, at least 0. */
  weight: Float64Array;
}

const STEPS = 200;
const COORDINATE_ROUNDS = 10_000;

/**
 * Minimises |w|_1 + C sum_i weight_i (softplus(u_i) - target_i u_i), u = x w, without intercept, by proximal Newton steps:
 * each minimises the second-order model plus the L1 term by coordinate descent, then backtracks. Stops when no
 * coordinate moves by more than 1e-13. Returns the [K] coefficients; throws if it has not settled after 200 steps.
 * Source: Lee, Sun and Saunders 2014 (proximal Newton); the objective is scikit-learn's and liblinear's.
 */
export function fitL1Logistic(rows: LogisticRows, c: number, start?: readonly number[]): number[] {
  if (!(c > 0)) throw new RangeError(`fitL1Logistic: C is ${c}; it must be above 0`);
  const { features } = rows;
  let w = start ? [...start] : new Array<number>(features).fill(0);
  let value = objective(rows, c, w);
  for (let step = 0; step < STEPS; step++) {
    const { gradient, hessian } = derivatives(rows, c, w);
    const target = modelMinimum(w, gradient, hessian);
    const direction = target.map((t, k) => t - w[k]!);
    if (direction.every((d, k) => Math.abs(d) <= 1e-13 * Math.max(1, Math.abs(w[k]!)))) return w;
    let scale = 1;
    let next = target;
    let nextValue = objective(rows, c, next);
    // At the optimum rounding alone makes the value rise; an accepted step must not rise by more than that.
    while (nextValue > value + 1e-13 * Math.abs(value) && scale > 1e-10) {
      scale /= 2;
      next = w.map((old, k) => old + scale * direction[k]!);
      nextValue = objective(rows, c, next);
    }
    if (scale <= 1e-10) return w;
    w = next;
    value = nextValue;
  }
  throw new Error(`fitL1Logistic: not settled after ${STEPS} steps at C = ${c}; check the features for infinite or huge values`);
}

/** The minimiser of gradient.(v - w) + (v - w) H (v - w) / 2 + |v|_1 over v, by coordinate descent. */
function modelMinimum(w: readonly number[], gradient: Float64Array, hessian: Float64Array): number[] {
  const v = [...w];
  for (let round = 0; round < COORDINATE_ROUNDS; round++) {
    let moved = 0;
    for (let k = 0; k < v.length; k++) {
      const curvature = hessian[k * v.length + k]!;
      if (curvature <= 0) continue;
      let slope = gradient[k]!;
      for (let m = 0; m < v.length; m++) slope += hessian[k * v.length + m]! * (v[m]! - w[m]!);
      const old = v[k]!;
      v[k] = softThreshold(old - slope / curvature, 1 / curvature);
      moved = Math.max(moved, Math.abs(v[k]! - old));
    }
    if (moved < 1e-15) break;
  }
  return v;
}

const softThreshold = (value: number, by: number) => (value > by ? value - by : value < -by ? value + by : 0);

function objective({ features, x, target, weight }: LogisticRows, c: number, w: readonly number[]): number {
  let loss = 0;
  for (let i = 0; i < target.length; i++) {
    const u = dot(x, i * features, w);
    loss += weight[i]! * (Math.max(u, 0) + Math.log1p(Math.exp(-Math.abs(u))) - target[i]! * u);
  }
  return c * loss + w.reduce((sum, value) => sum + Math.abs(value), 0);
}

function derivatives(
  { features, x, target, weight }: LogisticRows,
  c: number,
  w: readonly number[],
): { gradient: Float64Array; hessian: Float64Array } {
  const gradient = new Float64Array(features);
  const hessian = new Float64Array(features * features);
  for (let i = 0, at = 0; i < target.length; i++, at += features) {
    const p = sigmoid(dot(x, at, w));
    const slope = weight[i]! * (p - target[i]!);
    const curve = weight[i]! * p * (1 - p);
    for (let k = 0; k < features; k++) {
      const xk = x[at + k]!;
      gradient[k]! += c * slope * xk;
      for (let m = 0; m <= k; m++) hessian[k * features + m]! += c * curve * xk * x[at + m]!;
    }
  }
  for (let k = 0; k < features; k++)
    for (let m = k + 1; m < features; m++) hessian[k * features + m] = hessian[m * features + k]!;
  return { gradient, hessian };
}

export function dot(x: Float64Array, offset: number, w: readonly number[]): number {
  let sum = 0;
  for (let k = 0; k < w.length; k++) sum += x[offset + k]! * w[k]!;
  return sum;
}

export const sigmoid = (u: number): number => 1 / (1 + Math.exp(-u));
