import { formatError, quote } from "../format-error.ts";
import type { ParameterShape } from "../model-config/parameter-shapes.ts";
import type { TensorPlan } from "../safetensors/header.ts";

export const OPTIMIZER_FILE = "optimizer.safetensors";

/** The names under which a parameter's two Adam moments are stored. */
export function momentNames(parameter: string): { expAvg: string; expAvgSq: string } {
  return { expAvg: `${parameter}.exp_avg`, expAvgSq: `${parameter}.exp_avg_sq` };
}

/** The tensors of `optimizer.safetensors`: both moments of each trained parameter, float32, of its shape. */
export function momentPlans(parameters: readonly ParameterShape[]): TensorPlan[] {
  return parameters.flatMap(({ name, shape }) => {
    const { expAvg, expAvgSq } = momentNames(name);
    return [expAvg, expAvgSq].map((moment) => ({ name: moment, dtype: "F32" as const, shape }));
  });
}

/** Throws `ERR_CHECKPOINT` unless stored moments are exactly those of the trained parameters. */
export function checkMoments(
  parameters: readonly ParameterShape[],
  tensors: ReadonlyMap<string, { dtype: string; shape: readonly number[] }>,
): void {
  const refuse = (what: string) =>
    formatError(
      "ERR_CHECKPOINT",
      `checkMoments: ${what}; the checkpoint is of a run that trained other parameters, resume with its settings`,
    );
  const plans = momentPlans(parameters);
  for (const { name, dtype, shape } of plans) {
    const stored = tensors.get(name);
    if (!stored) throw refuse(`moment ${quote(name)} is missing`);
    if (stored.dtype !== dtype || stored.shape.join() !== shape.join()) {
      throw refuse(`moment ${quote(name)} is ${stored.dtype} [${stored.shape}], needs ${dtype} [${shape}]`);
    }
  }
  const expected = new Set(plans.map(({ name }) => name));
  const stray = [...tensors.keys()].find((name) => !expected.has(name));
  if (stray !== undefined) throw refuse(`moment ${quote(stray)} belongs to no trained parameter`);
}
