import { inputsOf } from "../arithmetic/expression.ts";
import { batchSize, checkFinite, checkLengths, checkTokenCounts, missing, unsupported } from "../inputs.ts";
import type { BuiltInPreferenceLoss, PreferenceLogps, PreferenceLossOutput } from "../types.ts";
import { emitPreferenceLoss } from "../wgsl/preference-loss.ts";
import type { PairedDefinition } from "./definition.ts";
import { evaluateBatch } from "./evaluate-batch.ts";

/** The definition behind each built-in loss, for `combine`. */
const definitions = new WeakMap<object, PairedDefinition>();

export const definitionOf = (loss: object): PairedDefinition | undefined => definitions.get(loss);

/** Makes a definition callable in float64 and attaches its WGSL twin. */
export function pairedLoss(definition: PairedDefinition): BuiltInPreferenceLoss {
  const needs = readsOf(definition);
  const loss = (logps: PreferenceLogps): PreferenceLossOutput => {
    checkBatch(definition, needs, logps);
    return evaluateBatch(definition, logps);
  };
  const { wgsl, wgslOptions } = emitPreferenceLoss(definition);
  Object.defineProperty(loss, "name", { value: definition.name, enumerable: true });
  const described = Object.assign(loss, { ...needs, wgsl, wgslOptions });
  definitions.set(described, definition);
  return described as BuiltInPreferenceLoss;
}

function readsOf({ pairwise, supervisedWeight, sorted = [] }: PairedDefinition) {
  const inputs = new Set<string>();
  for (const equation of [pairwise, ...sorted.flatMap(({ first, second }) => [first, second])])
    if (equation) inputsOf(equation, inputs);
  return {
    needsReference: inputs.has("ref_chosen") || inputs.has("ref_rejected"),
    needsLengths: inputs.has("chosen_length") || supervisedWeight !== undefined,
    acceptsPairWeights: sorted.length === 0,
  };
}

function checkBatch(definition: PairedDefinition, needs: ReturnType<typeof readsOf>, logps: PreferenceLogps): void {
  const { name } = definition;
  batchSize(name, "chosenLogps", logps.chosenLogps);
  const required: (keyof PreferenceLogps)[] = ["rejectedLogps"];
  if (needs.needsReference) required.push("refChosenLogps", "refRejectedLogps");
  if (needs.needsLengths) required.push("chosenLengths", "rejectedLengths");
  for (const key of required) if (logps[key] === undefined) throw missing(name, key);
  if (logps.pairWeights && !needs.acceptsPairWeights) {
    throw unsupported(`${name}: pairWeights cannot be applied because this loss sorts its batch; leave them out`);
  }
  const { chosenLogps, rejectedLogps, refChosenLogps, refRejectedLogps, chosenLengths, rejectedLengths, pairWeights } = logps;
  const arrays = { chosenLogps, rejectedLogps, refChosenLogps, refRejectedLogps, chosenLengths, rejectedLengths, pairWeights };
  checkLengths(name, arrays);
  for (const [key, array] of Object.entries(arrays)) if (array) checkFinite(name, key, array);
  if (!needs.needsLengths) return;
  checkTokenCounts(name, "chosenLengths", chosenLengths!);
  checkTokenCounts(name, "rejectedLengths", rejectedLengths!);
}
