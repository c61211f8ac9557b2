// @ts-check
/** What the model answers as it learns: one step at a time, with what changed since the step before. */
import { element } from "./chart.js";
import { diff } from "./diff.js";
import { compact } from "./scale.js";

/** @typedef {import("./store.js").Run} Run */
/** @typedef {import("../kept-samples.ts").SampleView} SampleView */
/** @typedef {import("../kept-samples.ts").PromptView} PromptView */
/** @typedef {{ section: HTMLElement, list: HTMLElement, slider: HTMLInputElement, shown: HTMLElement, earlier: HTMLButtonElement, later: HTMLButtonElement, removed: HTMLInputElement }} Parts */

/**
 * The section of samples.
 * @param {Parts} parts
 */
export function createSamples(parts) {
  const { section, list, slider, shown, earlier, later, removed } = parts;
  /** @type {Run[]} */
  let runs = [];
  /** @type {number[]} */
  let steps = [];
  /** The step that is looked at; undefined: always the newest. @type {number | undefined} */
  let chosen;
  let key = "";

  /** @param {number} index */
  function choose(index) {
    const at = Math.max(0, Math.min(steps.length - 1, index));
    chosen = at === steps.length - 1 ? undefined : steps[at];
    draw();
  }
  const place = () => (chosen === undefined ? steps.length - 1 : Math.max(0, steps.indexOf(chosen)));

  function draw() {
    const at = place();
    const step = steps[at] ?? 0;
    slider.max = String(Math.max(0, steps.length - 1));
    slider.value = String(at);
    slider.disabled = steps.length < 2;
    slider.setAttribute("aria-valuetext", `step ${step}`);
    shown.textContent = `${compact(step)}${at === steps.length - 1 ? ", the newest" : ""}`;
    earlier.disabled = at <= 0;
    later.disabled = at >= steps.length - 1;
    const next = JSON.stringify([step, removed.checked, runs.map(({ id, samples }) => [id, samples.length, samples[0]?.step])]);
    if (next === key) return;
    key = next;
    list.replaceChildren(...cards(runs, step, removed.checked));
  }
  slider.addEventListener("input", () => choose(slider.valueAsNumber));
  earlier.addEventListener("click", () => choose(place() - 1));
  later.addEventListener("click", () => choose(place() + 1));
  removed.addEventListener("change", draw);
  return {
    /** @param {Run[]} all Those that are shown. */
    show(all) {
      runs = all.filter(({ samples }) => samples.length > 0);
      section.hidden = runs.length === 0;
      steps = [...new Set(runs.flatMap(({ samples }) => samples.map(({ step }) => step)))].sort((a, b) => a - b);
      if (chosen !== undefined && !steps.includes(chosen)) chosen = undefined;
      if (!section.hidden) draw();
    },
  };
}

/**
 * A card per prompt, with the answer of each run at a step, or the last before it.
 * @param {Run[]} runs
 * @param {number} step
 * @param {boolean} withRemoved
 */
function cards(runs, step, withRemoved) {
  /** @type {Map<string, PromptView>} */
  const prompts = new Map(runs.flatMap((run) => [...run.prompts.entries()]));
  return [...prompts.values()].map(({ prompt_id, turns }) => {
    const card = element("li", "panel");
    const asked = element("div", "asked");
    asked.append(...turns.map(({ role, content }) => turn(role === "user" ? "" : role, content)));
    card.append(asked);
    for (const run of runs) {
      const answers = run.samples.filter((sample) => sample.prompt_id === prompt_id && sample.step <= step);
      const [before, now] = [answers.at(-2), answers.at(-1)];
      if (now) card.append(answer(runs.length > 1 ? run.name : "", before, now, withRemoved));
    }
    return card;
  });
}

/**
 * @param {string} role
 * @param {string} content
 */
function turn(role, content) {
  const block = element("p", "turn");
  if (role !== "") {
    const who = element("b", "role");
    who.textContent = role;
    block.append(who, " ");
  }
  block.append(content);
  return block;
}

/**
 * @param {string} run
 * @param {SampleView | undefined} before
 * @param {SampleView} now
 * @param {boolean} withRemoved
 */
function answer(run, before, now, withRemoved) {
  const block = element("div", "answer");
  const facts = element("p", "note");
  const pieces = before ? diff(before.completion, now.completion) : [{ kind: "same", text: now.completion }];
  const isSame = before !== undefined && pieces.every(({ kind }) => kind === "same");
  facts.textContent = [
    ...(run === "" ? [] : [run]),
    `step ${compact(now.step)}`,
    ...(before === undefined
      ? []
      : [isSame ? `as at step ${compact(before.step)}` : `changes since step ${compact(before.step)} are marked`]),
    ...(now.is_cut ? ["cut at the most tokens"] : []),
  ].join(" · ");
  const text = element("p", "said");
  for (const { kind, text: part } of pieces) {
    if (kind === "gone" && !withRemoved) continue;
    if (kind === "same") text.append(part);
    else {
      const mark = element(kind === "new" ? "ins" : "del", "");
      mark.textContent = part;
      text.append(mark);
    }
  }
  if (now.completion === "") {
    const nothing = element("i", "");
    nothing.textContent = "(nothing)";
    text.append(nothing);
  }
  block.append(facts, text);
  return block;
}
