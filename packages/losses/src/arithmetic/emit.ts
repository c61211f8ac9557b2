import type { Expression, OptionExpression } from "./expression.ts";
import { operations } from "./operations.ts";

/** The slots of `loss_option(k)`: one per distinct (name, value), in order of first use. */
export interface OptionSlots {
  readonly slots: OptionExpression[];
}

/** Index of `option` in `slots`, appended on first use. */
export function slotOf({ slots }: OptionSlots, { name, value }: OptionExpression): number {
  const found = slots.findIndex((slot) => slot.name === name && slot.value === value);
  return found >= 0 ? found : slots.push({ kind: "option", name, value }) - 1;
}

/** WGSL for each input: the text of a `vec3f(value, d/d first, d/d second)`. */
export type InputBindings = Readonly<Record<string, string>>;

/**
 * A WGSL function `signature -> vec3f` that computes `expression` and both its derivatives in float32.
 *
 * Throws TypeError when `bindings` has no text for an input. What is used twice is computed once.
 */
export function emitFunction(signature: string, expression: Expression, bindings: InputBindings, options: OptionSlots): string {
  const uses = countUses(expression);
  const named = new Map<Expression, string>();
  const statements: string[] = [];
  const text = (node: Expression): string => {
    const known = named.get(node);
    if (known !== undefined) return known;
    const value = nodeText(node, text, bindings, options);
    if (node.kind === "literal" || node.kind === "option" || (uses.get(node) ?? 0) < 2) return value;
    const name = node.kind === "operation" ? `loss_step_${named.size}` : `loss_${node.name}`;
    statements.push(`  let ${name} = ${value};`);
    named.set(node, name);
    return name;
  };
  const result = text(expression);
  return [`fn ${signature} -> vec3f {`, ...statements, `  return ${result};`, "}", ""].join("\n");
}

function nodeText(node: Expression, text: (node: Expression) => string, bindings: InputBindings, options: OptionSlots): string {
  switch (node.kind) {
    case "literal":
      return `loss_constant(${wgslNumber(node.value)})`;
    case "option":
      return `loss_constant(loss_option(${slotOf(options, node)}u))`;
    case "input": {
      const binding = bindings[node.name];
      if (binding === undefined) throw new TypeError(`emitFunction: no WGSL for the input "${node.name}"`);
      return binding;
    }
    case "operation":
      return operations[node.operation].wgsl(...node.operands.map(text));
  }
}

function countUses(node: Expression, uses: Map<Expression, number> = new Map()): Map<Expression, number> {
  const before = uses.get(node) ?? 0;
  uses.set(node, before + 1);
  if (before === 0 && node.kind === "operation") for (const operand of node.operands) countUses(operand, uses);
  return uses;
}

const wgslNumber = (value: number): string => (Number.isInteger(value) ? value.toFixed(1) : String(value));
