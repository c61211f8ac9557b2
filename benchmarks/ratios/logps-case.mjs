// What the scripts of jax-js and tfjs share: the adapter through Dawn, and the line that a case prints.
import { clock, logpsOperands, rounded } from "../peers/clock.mjs";

// Nodes before 22 have no iterator helpers, which jax-js calls.
const iterators = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
for (const name of ["map", "filter", "flatMap", "some", "every", "find", "reduce", "forEach"]) {
  iterators[name] ??= function (...given) {
    return [...this][name](...given);
  };
}
iterators.toArray ??= function () {
  return [...this];
};

/** Makes Dawn's adapter that of `navigator.gpu`, where the stacks look for one. */
export async function openNavigator() {
  const { create, globals } = await import(process.env.WEBGPU_MODULE);
  Object.assign(globalThis, globals);
  const value = { gpu: create([]), userAgent: "node" };
  Object.defineProperty(globalThis, "navigator", { value, configurable: true, writable: true });
}

const [rows, width, vocabulary] = process.env.LOGPS.split(",").map(Number);
export const size = { rows, width, vocabulary };
export const operands = logpsOperands(size);

/** Times a case and prints its line; `once` ends with a number read back, `values` gives what the stacks must agree on. */
export async function report(peer, direction, once, values) {
  const { times } = await clock(Number(process.env.ROUNDS), once);
  const name = `logps_${direction}_${[rows, width, vocabulary]}`;
  const median = times[times.length >> 1];
  const agreed = Object.fromEntries(Object.entries(await values()).map(([key, value]) => [key, rounded(value)]));
  console.log(JSON.stringify({ peer, case: name, ms_median: rounded(median), ms_min: rounded(times[0]), ...agreed }));
}
