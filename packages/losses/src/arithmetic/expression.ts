/**
 * A loss is written once, as an expression over named inputs. Float64 values with exact derivatives (`evaluate.ts`)
 * and the WGSL twin (`emit.ts`) are two readings of the same expression.
 */

import type { OperationName } from "./operations.ts";

/** A node of a loss equation. Nodes are compared by identity: one used twice becomes one `let` in WGSL. */
export type Expression =
  | { readonly kind: "literal"; readonly value: number }
  | OptionExpression
  | { readonly kind: "input"; readonly name: string }
  | { readonly kind: "operation"; readonly operation: OperationName; readonly operands: readonly Expression[] };

/** A hyper-parameter: constant while a loss lives, read through `loss_option(k)` on the device. */
export interface OptionExpression {
  readonly kind: "option";
  readonly name: string;
  readonly value: number;
}

/** What the builders accept: an expression, or a number standing in the equation itself. */
export type Operand = Expression | number;

export const option = (name: string, value: number): OptionExpression => ({ kind: "option", name, value });
export const input = (name: string): Expression => ({ kind: "input", name });

const literal = (operand: Operand): Expression => (typeof operand === "number" ? { kind: "literal", value: operand } : operand);
const node = (operation: OperationName, ...operands: readonly Operand[]): Expression => ({
  kind: "operation",
  operation,
  operands: operands.map(literal),
});

export const add = (first: Operand, ...rest: readonly Operand[]): Expression =>
  rest.reduce<Expression>((sum, term) => node("add", sum, term), literal(first));
export const sub = (a: Operand, b: Operand): Expression => node("sub", a, b);
export const mul = (a: Operand, b: Operand): Expression => node("mul", a, b);
export const div = (a: Operand, b: Operand): Expression => node("div", a, b);
export const neg = (a: Operand): Expression => node("neg", a);
export const square = (a: Operand): Expression => node("square", a);
/** e^a, saturating at e^700 in float64 and e^80 in float32 so that a product with 0 stays 0. */
export const exp = (a: Operand): Expression => node("exp", a);
export const expm1 = (a: Operand): Expression => node("expm1", a);
export const sigmoid = (a: Operand): Expression => node("sigmoid", a);
export const logSigmoid = (a: Operand): Expression => node("logSigmoid", a);
/** log(1 - e^a), a a log-probability below 0. */
export const log1mExp = (a: Operand): Expression => node("log1mExp", a);
/** `a` where `condition` > 0, else `b`; the derivative is that of the chosen side. */
export const ifPositive = (condition: Operand, a: Operand, b: Operand): Expression => node("ifPositive", condition, a, b);
/** max(a, 0), with derivative 0 at 0. */
export const relu = (a: Expression): Expression => ifPositive(a, a, 0);
/** min(a, limit), with derivative 0 above the limit. */
export const atMost = (a: Expression, limit: number): Expression => ifPositive(sub(a, limit), limit, a);

/** The names of all inputs that `expression` reads. */
export function inputsOf(expression: Expression, found: Set<string> = new Set()): Set<string> {
  if (expression.kind === "input") found.add(expression.name);
  if (expression.kind === "operation") for (const operand of expression.operands) inputsOf(operand, found);
  return found;
}
