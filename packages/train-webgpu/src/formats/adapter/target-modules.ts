import { formatError, quote } from "../format-error.ts";
import type { ModelConfig } from "../model-config/model-config.ts";
import { layerLinears } from "../model-config/parameter-shapes.ts";

/** A linear layer that can carry an adapter, by its full name (without `.weight`). */
export interface LinearModule {
  /** For example "model.layers.0.mlp.down_proj". */
  module: string;
  inputs: number;
  outputs: number;
}

/** Every linear layer that can carry an adapter: all but the head, as PEFT's "all-linear" counts them. */
export function linearModules(config: ModelConfig): LinearModule[] {
  const layers = Array.from({ length: config.numHiddenLayers }, (_, layer) =>
    layerLinears(config).map(({ module, inputs, outputs }) => ({ module: `model.layers.${layer}.${module}`, inputs, outputs })),
  );
  return layers.flat();
}

/** Whether a target of PEFT's names this module: its whole name, or the last parts of it. */
export function targets(target: string, module: string): boolean {
  return module === target || module.endsWith(`.${target}`);
}

/**
 * The linear layers that `target_modules` names, in the model's order.
 *
 * Throws `ERR_ADAPTER` for a target that names none, with the targets there are (PEFT keeps silent as long as another one matches).
 *
 * @example matchTargetModules(config, ["q_proj", "v_proj"]).length // two per layer
 */
export function matchTargetModules(config: ModelConfig, targetModules: "all-linear" | readonly string[]): LinearModule[] {
  const modules = linearModules(config);
  if (targetModules === "all-linear") return modules;
  const known = layerLinears(config)
    .map(({ module }) => module.split(".").at(-1))
    .join(", ");
  if (targetModules.length === 0) {
    throw formatError("ERR_ADAPTER", `matchTargetModules: no target module is given; give "all-linear" or some of ${known}`);
  }
  for (const target of targetModules) {
    if (modules.some(({ module }) => targets(target, module))) continue;
    throw formatError(
      "ERR_ADAPTER",
      `matchTargetModules: target module ${quote(target)} matches nothing in this ${config.modelType} model; known are ${known} and "all-linear"`,
    );
  }
  return modules.filter(({ module }) => targetModules.some((target) => targets(target, module)));
}
