/**
 * The arithmetic of a loss equation. A dual is a value with its derivatives wrt two variables (for a pair: the summed
 * log-probabilities of chosen and rejected): forward-mode differentiation, exact to rounding. Each operation states its
 * float64 rule and the WGSL that computes the same on `vec3f(value, d/d first, d/d second)`; the WGSL functions are in
 * `arithmetic.wgsl`.
 */

import { log1mExp, logSigmoid, sigmoid } from "./numerics.ts";

/** Value, derivative wrt the first variable, derivative wrt the second. */
export type Dual = readonly [value: number, first: number, second: number];

interface Operation {
  readonly evaluate: (...operands: Dual[]) => Dual;
  readonly wgsl: (...operands: string[]) => string;
}

const chain = (slope: number, value: number, a: Dual): Dual => [value, slope * a[1], slope * a[2]];

/** A function of one variable by its value and slope; `wgsl` names its twin. */
function unary(wgsl: string, value: (x: number) => number, slope: (x: number) => number): Operation {
  return { evaluate: (a) => chain(slope(a[0]), value(a[0]), a), wgsl: (a) => `${wgsl}(${a})` };
}

const EXP_LIMIT = 700;
const saturatingExp = (x: number): number => Math.exp(Math.min(x, EXP_LIMIT));

export type OperationName =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "neg"
  | "square"
  | "exp"
  | "expm1"
  | "sigmoid"
  | "logSigmoid"
  | "log1mExp"
  | "ifPositive";

export const operations: Readonly<Record<OperationName, Operation>> = {
  add: { evaluate: (a, b) => [a[0] + b[0], a[1] + b[1], a[2] + b[2]], wgsl: (a, b) => `(${a} + ${b})` },
  sub: { evaluate: (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]], wgsl: (a, b) => `(${a} - ${b})` },
  neg: { evaluate: (a) => [-a[0], -a[1], -a[2]], wgsl: (a) => `(-${a})` },
  mul: {
    evaluate: (a, b) => [a[0] * b[0], a[1] * b[0] + a[0] * b[1], a[2] * b[0] + a[0] * b[2]],
    wgsl: (a, b) => `loss_mul(${a}, ${b})`,
  },
  div: {
    evaluate: (a, b) => {
      const ratio = a[0] / b[0];
      return [ratio, (a[1] - ratio * b[1]) / b[0], (a[2] - ratio * b[2]) / b[0]];
    },
    wgsl: (a, b) => `loss_div(${a}, ${b})`,
  },
  square: unary(
    "loss_square",
    (x) => x * x,
    (x) => 2 * x,
  ),
  exp: unary("loss_exp", saturatingExp, saturatingExp),
  expm1: unary("loss_expm1", (x) => Math.expm1(Math.min(x, EXP_LIMIT)), saturatingExp),
  sigmoid: unary("loss_sigmoid", sigmoid, (x) => sigmoid(x) * sigmoid(-x)),
  logSigmoid: unary("loss_log_sigmoid", logSigmoid, (x) => sigmoid(-x)),
  log1mExp: unary("loss_log1m_exp", log1mExp, (x) => Math.exp(x) / Math.expm1(x)),
  ifPositive: {
    evaluate: (condition, a, b) => (condition[0] > 0 ? a : b),
    wgsl: (condition, a, b) => `select(${b}, ${a}, (${condition}).x > 0.0)`,
  },
};
