// @ts-check
/** What the page knows about its runs. */

/** @typedef {import("./scale.js").Series} Series */
/** @typedef {import("../follow-run.ts").RunUpdate} RunUpdate */
/** @typedef {import("../kept-samples.ts").PromptView} PromptView */
/** @typedef {Omit<RunUpdate, "rows" | "reset" | "prompts"> & { series: Map<string, Series>, prompts: Map<string, PromptView>, isShown: boolean }} Run */

/**
 * Takes what the server says into the runs.
 * @param {Map<number, Run>} runs By id.
 * @param {readonly RunUpdate[]} updates
 */
export function take(runs, updates) {
  for (const { rows, samples, prompts, reset, ...facts } of updates) {
    const known = runs.get(facts.id);
    const before = reset ? undefined : known;
    const series = before?.series ?? new Map();
    const asked = before?.prompts ?? new Map();
    for (const prompt of prompts) asked.set(prompt.prompt_id, prompt);
    const all = [...(before?.samples ?? []), ...samples];
    runs.set(facts.id, { ...facts, series, prompts: asked, samples: all, isShown: known?.isShown ?? true });
    for (const { step, ...metrics } of rows) for (const [key, value] of Object.entries(metrics)) append(series, key, step, value);
  }
}

/**
 * @param {Map<string, Series>} all
 * @param {string} key
 * @param {number} step
 * @param {number} value
 */
function append(all, key, step, value) {
  let series = all.get(key);
  if (!series) {
    series = { x: [], y: [] };
    all.set(key, series);
  }
  series.x.push(step);
  series.y.push(value);
}

/**
 * The first and the last step of the runs that are shown.
 * @param {Iterable<Run>} runs
 * @returns {[number, number]}
 */
export function stepRange(runs) {
  let [first, last] = [Number.POSITIVE_INFINITY, 2];
  for (const { series, isShown } of runs) {
    if (!isShown) continue;
    for (const { x } of series.values()) {
      first = Math.min(first, x[0] ?? first);
      last = Math.max(last, x.at(-1) ?? last);
    }
  }
  return [first < last ? first : 1, last];
}
