// @ts-check
/** A chart: its picture, its cursor and its zoom, by mouse, finger and keyboard. */
import { dot, draw, HEIGHT, make } from "./drawing.js";
import { compact, nearest } from "./scale.js";

/** @typedef {import("./store.js").Run} Run */
/** @typedef {import("./charts.js").ChartKind} ChartKind */
/** @typedef {import("./drawing.js").Scales} Scales */
/** @typedef {import("./drawing.js").Curve & { name: string }} NamedCurve */
/** @typedef {{ range: [number, number], isZoomed: boolean, cursor: number | undefined, smoothing: number }} View What all charts share. */
/** @typedef {{ moveTo(step: number | undefined): void, zoom(range: [number, number] | undefined): void }} Hands What a reader does to it. */
/** @typedef {{ element: HTMLElement, show(runs: Run[], view: View): void, point(view: View): void }} Chart */

/** Narrower than this a drag is a click. */
const LEAST_DRAG = 8;

/**
 * @param {ChartKind} kind
 * @param {Hands} hands
 * @returns {Chart}
 */
export function createChart({ title, lines, note, include = [] }, hands) {
  const svg = make("svg", { tabindex: 0, role: "img", "aria-describedby": "hint", height: HEIGHT });
  const marks = make("g", {});
  const legend = element("ul", "legend");
  const figure = element("figure", "panel");
  const heading = element("figcaption", "");
  heading.textContent = title;
  figure.append(heading, svg, legend);
  if (note) {
    const small = element("p", "note");
    small.textContent = note;
    figure.append(small);
  }
  /** @type {NamedCurve[]} */
  let curves = [];
  /** @type {Scales | undefined} */
  let scales;
  /** @type {View | undefined} */
  let shown;
  /** @type {number[] | undefined} */
  let steps;
  listen(svg, hands, () => {
    steps ??= [...new Set(curves.flatMap(({ series }) => series.x))].sort((a, b) => a - b);
    return shown && { view: shown, scales, steps };
  });
  return {
    element: figure,
    show(runs, view) {
      shown = view;
      curves = curvesOf(runs, lines);
      steps = undefined;
      figure.hidden = curves.length === 0;
      if (figure.hidden) return;
      const width = Math.max(240, Math.round(svg.getBoundingClientRect().width));
      scales = draw(svg, { curves, range: view.range, smoothing: view.smoothing, include, width });
      svg.append(marks);
      svg.setAttribute("aria-label", describe(title, curves));
      this.point(view);
    },
    point(view) {
      shown = view;
      if (figure.hidden || !scales) return;
      const { cursor } = view;
      const at = curves.map(({ series }) => (cursor === undefined ? series.x.length - 1 : nearest(series.x, cursor)));
      marks.replaceChildren(...(cursor === undefined ? [] : cursorMarks(curves, at, cursor, scales)));
      legend.replaceChildren(...curves.map((curve, i) => legendItem(curve, at[i] ?? 0, cursor !== undefined)));
    },
  };
}

/**
 * @param {Run[]} runs
 * @param {import("./charts.js").Line[]} lines
 * @returns {NamedCurve[]}
 */
function curvesOf(runs, lines) {
  const isAlone = runs.length === 1;
  return runs.flatMap(({ id, name, series }) => {
    const own = lines.filter(({ key }) => series.has(key));
    return own.map(({ key, name: line, dashed = false }) => ({
      series: /** @type {import("./scale.js").Series} */ (series.get(key)),
      colour: id % 8,
      dashed,
      name: isAlone ? line : own.length > 1 || dashed ? `${name}, ${line}` : name,
    }));
  });
}

/**
 * @param {NamedCurve[]} curves
 * @param {number[]} at
 * @param {number} cursor
 * @param {Scales} scales
 */
function cursorMarks(curves, at, cursor, scales) {
  const rule = make("line", { class: "cursor", x1: scales.x(cursor), x2: scales.x(cursor), y1: 10, y2: HEIGHT - 24 });
  const dots = curves.flatMap(({ series, colour }, i) => {
    const [step, value] = [series.x[at[i] ?? 0], series.y[at[i] ?? 0]];
    return step === undefined || value === undefined || step !== cursor ? [] : [dot(step, value, `c${colour}`, scales)];
  });
  return [rule, ...dots];
}

/**
 * @param {NamedCurve} curve
 * @param {number} index
 * @param {boolean} withStep
 */
function legendItem({ name, series, colour, dashed }, index, withStep) {
  const item = element("li", "");
  const sample = make("svg", { class: "sample", viewBox: "0 0 26 10", width: 26, height: 10, "aria-hidden": "true" });
  sample.append(make("line", { class: `curve c${colour}${dashed ? " dashed" : ""}`, x1: 1, x2: 25, y1: 5, y2: 5 }));
  const value = element("b", "");
  value.textContent = compact(series.y[index] ?? 0);
  item.append(sample, name, " ", value, withStep ? ` at ${compact(series.x[index] ?? 0)}` : "");
  return item;
}

/**
 * @param {string} title
 * @param {NamedCurve[]} curves
 */
function describe(title, curves) {
  const sentences = curves.map(({ name, series: { x, y } }) => {
    const [first, last] = [compact(y[0] ?? 0), compact(y.at(-1) ?? 0)];
    return `${name}: from ${first} at step ${x[0]} to ${last} at step ${x.at(-1)}.`;
  });
  return `${title}. ${sentences.join(" ")}`;
}

/**
 * @param {SVGElement} svg
 * @param {Hands} hands
 * @param {() => { view: View, scales: Scales | undefined, steps: number[] } | undefined} now
 */
function listen(svg, hands, now) {
  /** @type {{ x: number, step: number } | undefined} */
  let pressed;
  const selection = make("rect", { class: "selection", y: 10, height: HEIGHT - 34 });
  const stepAt = (/** @type {PointerEvent} */ event) => now()?.scales?.step(event.clientX - svg.getBoundingClientRect().left);
  svg.addEventListener("pointermove", (event) => {
    const [step, { scales, steps = [] } = {}] = [stepAt(event), now()];
    if (step === undefined || !scales) return;
    hands.moveTo(steps[nearest(steps, step)]);
    if (!pressed) return;
    const [from, to] = [pressed.step, step].sort((a, b) => a - b).map(scales.x);
    selection.setAttribute("x", String(from));
    selection.setAttribute("width", String((to ?? 0) - (from ?? 0)));
    svg.append(selection);
  });
  svg.addEventListener("pointerleave", () => hands.moveTo(undefined));
  svg.addEventListener("pointerdown", (event) => {
    const step = stepAt(event);
    if (event.button !== 0 || step === undefined) return;
    pressed = { x: event.clientX, step };
    svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener("pointerup", (event) => {
    const [start, step] = [pressed, stepAt(event)];
    pressed = undefined;
    selection.remove();
    if (!start || step === undefined || Math.abs(event.clientX - start.x) < LEAST_DRAG) return;
    hands.zoom(start.step < step ? [start.step, step] : [step, start.step]);
  });
  svg.addEventListener("pointercancel", () => {
    pressed = undefined;
    selection.remove();
  });
  svg.addEventListener("dblclick", () => hands.zoom(undefined));
  svg.addEventListener("keydown", (event) => {
    const state = now();
    if (state && pressKey(event.key, state.view, state.steps, hands)) event.preventDefault();
  });
}

/**
 * Whether the key means something here.
 * @param {string} key
 * @param {View} view
 * @param {number[]} steps
 * @param {Hands} hands
 */
function pressKey(key, { range: [first, last], cursor }, steps, hands) {
  const visible = steps.filter((step) => step >= first && step <= last);
  const at = cursor === undefined ? visible.length : nearest(visible, cursor);
  const target = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: visible.length - 1 }[key];
  if (target !== undefined) hands.moveTo(visible[Math.min(visible.length - 1, Math.max(0, target))]);
  else if (key === "Escape") hands.zoom(undefined);
  else if (key === "+" || key === "=" || key === "-") {
    const middle = cursor ?? (first + last) / 2;
    const factor = key === "-" ? 2 : 0.5;
    hands.zoom([middle - (middle - first) * factor, middle + (last - middle) * factor]);
  } else return false;
  return true;
}

/**
 * @param {string} name
 * @param {string} className
 */
export function element(name, className) {
  const made = document.createElement(name);
  if (className !== "") made.className = className;
  return made;
}
