import arithmetic from "../arithmetic/arithmetic.wgsl" with { type: "text" };
import { emitFunction, type InputBindings, type OptionSlots } from "../arithmetic/emit.ts";
import type { PairedDefinition, SortedTerm } from "../paired/definition.ts";
import sorting from "./sorted.wgsl" with { type: "text" };
import supervision from "./supervised.wgsl" with { type: "text" };

const pairBindings: InputBindings = {
  chosen: "vec3f(chosen_logps(i), 1.0, 0.0)",
  rejected: "vec3f(rejected_logps(i), 0.0, 1.0)",
  ref_chosen: "loss_constant(ref_chosen_logps(i))",
  ref_rejected: "loss_constant(ref_rejected_logps(i))",
  chosen_length: "loss_constant(chosen_length(i))",
  rejected_length: "loss_constant(rejected_length(i))",
};

const quantileBindings: InputBindings = { first_quantile: "first", second_quantile: "second" };

/** The WGSL twin of a paired definition: `fn preference_loss(pairs: u32)`, to be run by one invocation. */
export function emitPreferenceLoss(definition: PairedDefinition): { wgsl: string; wgslOptions: readonly number[] } {
  const options: OptionSlots = { slots: [] };
  const { pairwise, supervisedWeight, sorted = [] } = definition;
  const parts = [arithmetic];
  if (pairwise) parts.push(emitFunction("loss_of_pair(i: u32)", pairwise, pairBindings, options));
  if (supervisedWeight) parts.push(emitFunction("loss_supervised_weight()", supervisedWeight, {}, options), supervision);
  if (sorted.length > 0) parts.push(...emitSortedTerms(sorted, options), sorting);
  parts.push(
    emitFunction("loss_chosen_reward(i: u32)", definition.chosenReward, pairBindings, options),
    emitFunction("loss_rejected_reward(i: u32)", definition.rejectedReward, pairBindings, options),
    emitDriver(definition),
  );
  return { wgsl: parts.join("\n"), wgslOptions: options.slots.map(({ value }) => value) };
}

/** Each sorted term's keys and equation, and the functions that pick among the terms. */
function emitSortedTerms(terms: readonly SortedTerm[], options: OptionSlots): string[] {
  const each = terms.map(({ first, second, loss }, t) => [
    emitFunction(`loss_first_key_${t}(i: u32)`, first, pairBindings, options),
    emitFunction(`loss_second_key_${t}(i: u32)`, second, pairBindings, options),
    emitFunction(`loss_at_rank_${t}(first: vec3f, second: vec3f)`, loss, quantileBindings, options),
  ]);
  const pick = (name: string, parameters: string, call: string): string => {
    const others = terms.slice(1).map((_, t) => `  if (term == ${t + 1}u) { return ${name}_${t + 1}${call}; }`);
    return [`fn ${name}(term: u32, ${parameters}) -> vec3f {`, ...others, `  return ${name}_0${call};`, "}", ""].join("\n");
  };
  return [
    ...each.flat(),
    pick("loss_first_key", "i: u32", "(i)"),
    pick("loss_second_key", "i: u32", "(i)"),
    pick("loss_at_rank", "first: vec3f, second: vec3f", "(first, second)"),
  ];
}

function emitDriver({ pairwise, supervisedWeight, sorted = [] }: PairedDefinition): string {
  const lines = (condition: unknown, ...text: string[]) => (condition ? text : []);
  return [
    "fn preference_loss(pairs: u32) {",
    ...lines(supervisedWeight, "  let totals = loss_supervised(pairs);"),
    ...lines(sorted.length > 0, `  loss_sorted(${sorted.length}u, pairs);`),
    "  for (var i = 0u; i < pairs; i++) {",
    "    var entry = vec3f();",
    ...lines(pairwise, "    entry += pair_weight(i) * loss_of_pair(i);"),
    ...lines(supervisedWeight, "    entry += loss_supervised_entry(i, pairs, totals);"),
    ...lines(sorted.length > 0, "    entry += loss_sorted_entry(i, pairs);"),
    "    let gradient = entry.yz / f32(pairs);",
    "    store_pair(i, entry.x, gradient.x, gradient.y, loss_chosen_reward(i).x, loss_rejected_reward(i).x);",
    "  }",
    "}",
    "",
  ].join("\n");
}
