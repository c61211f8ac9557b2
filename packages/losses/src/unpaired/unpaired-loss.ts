import { evaluate } from "../arithmetic/evaluate.ts";
import type { Dual } from "../arithmetic/operations.ts";
import { batchSize, checkFinite, checkLengths, constant, missing } from "../inputs.ts";
import type { RunningMean, UnpairedLogps, UnpairedLoss, UnpairedLossOutput } from "../types.ts";
import { emitUnpairedLoss } from "../wgsl/unpaired-loss.ts";
import type { UnpairedDefinition } from "./definition.ts";
import { updateRunningMean } from "./running-mean.ts";

/** Makes a definition callable in float64 and attaches its WGSL twin. */
export function unpairedLoss(definition: UnpairedDefinition): UnpairedLoss {
  const loss = (batch: UnpairedLogps): UnpairedLossOutput => {
    checkBatch(definition.name, batch);
    return evaluateBatch(definition, batch);
  };
  Object.defineProperty(loss, "name", { value: definition.name, enumerable: true });
  return Object.assign(loss, { needsReference: true as const, ...emitUnpairedLoss(definition) }) as UnpairedLoss;
}

function checkBatch(name: string, { logps, refLogps, labels, kl, delta }: UnpairedLogps): void {
  batchSize(name, "logps", logps);
  if (refLogps === undefined) throw missing(name, "refLogps");
  if (labels === undefined) throw missing(name, "labels");
  checkLengths(name, { logps, refLogps, labels });
  checkFinite(name, "logps", logps);
  checkFinite(name, "refLogps", refLogps);
  checkFinite(name, "[kl, delta]", [kl ?? 0, delta ?? 0]);
}

function evaluateBatch({ loss, reward, shiftsByRunningMean }: UnpairedDefinition, batch: UnpairedLogps): UnpairedLossOutput {
  const size = batch.logps.length;
  const entries = Array.from(batch.logps, (logp, i) => ({
    logp: [logp, 1, 0] as Dual,
    ref_logp: constant(batch.refLogps[i]!),
    label: constant(batch.labels[i] ? 1 : 0),
    kl: constant(batch.kl ?? 0),
  }));
  const rewards = Float64Array.from(entries, (entry) => evaluate(reward, entry)[0]);
  const running = shiftsByRunningMean ? shiftOf(batch, rewards) : undefined;
  const delta = constant(running?.mean ?? 0);
  const terms = entries.map((entry) => evaluate(loss, { ...entry, delta }));
  const losses = Float64Array.from(terms, ([value]) => value);
  return {
    loss: losses.reduce((total, value) => total + value, 0) / size,
    losses,
    rewards,
    grad: Float64Array.from(terms, ([, gradient]) => gradient / size),
    ...(running && { running }),
  };
}

const shiftOf = ({ delta, running }: UnpairedLogps, rewards: Float64Array): RunningMean =>
  delta === undefined ? updateRunningMean(running, rewards) : { mean: delta, count: running?.count ?? 0 };
