// @ts-check
/** The list of runs: what each is doing, and whether its curves are drawn. */
import { element } from "./chart.js";
import { make } from "./drawing.js";
import { compact, duration } from "./scale.js";

/** @typedef {import("./store.js").Run} Run */

const FACTS = /** @type {const} */ ([
  ["loss", "Loss"],
  ["eval_loss", "Held-out loss"],
  ["rewards/margins", "Reward margin"],
  ["rewards/accuracies", "Reward accuracy"],
  ["tokens_per_second", "Tokens/s"],
  ["samples_per_second", "Samples/s"],
  ["learning_rate", "Learning rate"],
  ["memory_mib", "Memory, MiB"],
]);

const STATES = { waiting: "not begun", running: "running", stopped: "stopped", finished: "finished" };

/**
 * @param {HTMLElement} list
 * @param {Iterable<Run>} runs
 * @param {(id: number, isShown: boolean) => void} onToggle
 */
export function showRuns(list, runs, onToggle) {
  for (const run of runs) {
    const id = `run-${run.id}`;
    let item = document.getElementById(id);
    if (!item) {
      item = runItem(id, run, onToggle);
      list.append(item);
    }
    update(item, run);
  }
}

/**
 * @param {string} id
 * @param {Run} run
 * @param {(id: number, isShown: boolean) => void} onToggle
 */
function runItem(id, run, onToggle) {
  const item = element("li", "panel");
  item.id = id;
  const box = /** @type {HTMLInputElement} */ (element("input", ""));
  box.type = "checkbox";
  box.checked = true;
  box.addEventListener("change", () => onToggle(run.id, box.checked));
  const name = element("span", "name");
  name.textContent = run.name;
  const sample = make("svg", { class: "sample", viewBox: "0 0 26 10", width: 26, height: 10, "aria-hidden": "true" });
  sample.append(make("line", { class: `curve c${run.id % 8}`, x1: 1, x2: 25, y1: 5, y2: 5 }));
  const label = element("label", "");
  label.append(box, sample, name);
  const head = element("div", "head");
  head.append(label, element("span", "state"));
  const bar = element("progress", "");
  bar.setAttribute("aria-label", `Progress of ${run.name}`);
  item.append(head, bar, element("p", "steps"), element("dl", "facts"));
  return item;
}

/**
 * @param {HTMLElement} item
 * @param {Run} run
 */
function update(item, { state, step, max_steps, seconds_left, last, stride, faults }) {
  const told = find(item, ".state");
  told.dataset["state"] = state;
  told.textContent = STATES[state];
  const bar = /** @type {HTMLProgressElement} */ (find(item, "progress"));
  bar.hidden = max_steps === null;
  bar.max = max_steps ?? 1;
  bar.value = Math.min(step, max_steps ?? 1);
  const parts = [max_steps === null ? `Step ${compact(step)}` : `Step ${compact(step)} of ${compact(max_steps)}`];
  if (last["epoch"] !== undefined) parts.push(`epoch ${last["epoch"].toFixed(2)}`);
  if (seconds_left !== null) parts.push(`${duration(seconds_left)} left`);
  if (stride > 1) parts.push(`one step in ${stride} is drawn`);
  if (faults > 0) parts.push(`${faults} ${faults === 1 ? "line" : "lines"} of its files could not be read`);
  find(item, ".steps").textContent = parts.join(" · ");
  const facts = FACTS.flatMap(([key, title]) => {
    const value = last[key];
    if (value === undefined) return [];
    const [term, text] = [element("dt", ""), element("dd", "")];
    [term.textContent, text.textContent] = [title, compact(value)];
    const pair = element("div", "");
    pair.append(term, text);
    return [pair];
  });
  find(item, ".facts").replaceChildren(...facts);
}

/**
 * @param {HTMLElement} item
 * @param {string} selector
 */
const find = (item, selector) => /** @type {HTMLElement} */ (item.querySelector(selector));
