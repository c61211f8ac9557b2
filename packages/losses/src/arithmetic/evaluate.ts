import type { Expression } from "./expression.ts";
import { type Dual, operations } from "./operations.ts";

/**
 * Value and both derivatives of `expression` in float64.
 *
 * `inputs` gives a dual for every input that the expression reads: `[x, 1, 0]` for the first variable, `[y, 0, 1]` for
 * the second, `[c, 0, 0]` for what is held constant. Throws TypeError on an input that is missing.
 */
export function evaluate(expression: Expression, inputs: Readonly<Record<string, Dual>>): Dual {
  switch (expression.kind) {
    case "literal":
    case "option":
      return [expression.value, 0, 0];
    case "input": {
      const dual = inputs[expression.name];
      if (dual === undefined) throw new TypeError(`evaluate: the equation reads "${expression.name}", which was not given`);
      return dual;
    }
    case "operation":
      return operations[expression.operation].evaluate(...expression.operands.map((operand) => evaluate(operand, inputs)));
  }
}
