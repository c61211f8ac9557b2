import arithmetic from "../arithmetic/arithmetic.wgsl" with { type: "text" };
import { emitFunction, type InputBindings, type OptionSlots, slotOf } from "../arithmetic/emit.ts";
import { option } from "../arithmetic/expression.ts";
import type { UnpairedLoss } from "../types.ts";
import type { UnpairedDefinition } from "../unpaired/definition.ts";

type Twin = Pick<UnpairedLoss, "wgsl" | "wgslOptions" | "wgslBatchOptions">;

/** The WGSL twin of an unpaired definition: `fn unpaired_loss(count: u32)`, to be run by one invocation. */
export function emitUnpairedLoss({ loss, reward, klOption, shiftsByRunningMean }: UnpairedDefinition): Twin {
  const options: OptionSlots = { slots: [] };
  const batchOptions: Record<string, number> = {};
  if (klOption) batchOptions["kl"] = slotOf(options, klOption);
  if (shiftsByRunningMean) {
    for (const name of ["runningMean", "runningCount"]) batchOptions[name] = slotOf(options, option(name, 0));
  }
  const bindings: InputBindings = {
    logp: "vec3f(logps(i), 1.0, 0.0)",
    ref_logp: "loss_constant(ref_logps(i))",
    label: "loss_constant(select(0.0, 1.0, label(i)))",
    kl: `loss_constant(loss_option(${batchOptions["kl"]}u))`,
    delta: "loss_constant(shift)",
  };
  const parts = [
    arithmetic,
    emitFunction("loss_reward(i: u32)", reward, bindings, options),
    emitFunction("loss_of_entry(i: u32, shift: f32)", loss, bindings, options),
    emitShift(batchOptions),
    DRIVER,
  ];
  return { wgsl: parts.join("\n"), wgslOptions: options.slots.map(({ value }) => value), wgslBatchOptions: batchOptions };
}

/** BCO's shift: the running mean of all rewards with this batch's; 0 for losses without one. */
function emitShift({ runningMean, runningCount }: Record<string, number>): string {
  if (runningMean === undefined) return "fn loss_shift(count: u32) -> f32 { return 0.0; }\n";
  return `fn loss_shift(count: u32) -> f32 {
  var total = 0.0;
  for (var i = 0u; i < count; i++) { total += loss_reward(i).x; }
  let mean = loss_option(${runningMean}u);
  return mean + (total - f32(count) * mean) / (loss_option(${runningCount}u) + f32(count));
}
`;
}

const DRIVER = `fn unpaired_loss(count: u32) {
  let shift = loss_shift(count);
  for (var i = 0u; i < count; i++) {
    let entry = loss_of_entry(i, shift);
    store_unpaired(i, entry.x, entry.y / f32(count), loss_reward(i).x);
  }
}
`;
