import type { OptionExpression } from "../arithmetic/expression.ts";
import type { OptionRange } from "../options.ts";

/** TRL's weight of the supervised term. */
export const cpoAlphaOption: OptionRange = { default: 1, from: 0 };

/** The supervised term with its weight; weight 0 leaves it out, and with it the need for lengths. */
export function supervisedTerm(weight: OptionExpression): { supervisedWeight?: OptionExpression } {
  return weight.value === 0 ? {} : { supervisedWeight: weight };
}
