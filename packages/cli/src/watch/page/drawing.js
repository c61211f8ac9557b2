// @ts-check
/** SVG of one chart. Text goes in as text, never as markup. */
import { compact, extent, part, smooth, thin, ticks } from "./scale.js";

/** @typedef {import("./scale.js").Series} Series */
/** @typedef {{ series: Series, colour: number, dashed: boolean }} Curve */
/** @typedef {{ curves: Curve[], range: [number, number], smoothing: number, include: number[], width: number }} Picture */
/** @typedef {{ x: (step: number) => number, y: (value: number) => number, step: (x: number) => number }} Scales */

/** A shorter series, such as that of the evaluations, is drawn as it is. */
const SMOOTH_ABOVE = 20;
export const HEIGHT = 210;
const MARGIN = { left: 52, right: 12, top: 10, bottom: 24 };
const NAMESPACE = "http://www.w3.org/2000/svg";

/**
 * Draws curves over a range of steps and says where a value lies.
 * @param {SVGElement} svg
 * @param {Picture} picture
 * @returns {Scales}
 */
export function draw(svg, { curves, range, smoothing, include, width }) {
  const visible = curves.map((curve) => {
    const isSmooth = smoothing > 0 && curve.series.x.length > SMOOTH_ABOVE;
    const smoothed = isSmooth ? smooth(curve.series.y, smoothing) : curve.series.y;
    const columns = Math.max(50, Math.round(width));
    return {
      ...curve,
      isSmooth,
      raw: thin(part(curve.series, ...range), columns),
      line: thin(part({ x: curve.series.x, y: smoothed }, ...range), columns),
    };
  });
  const [low, high] = extent([...visible.flatMap(({ raw }) => raw.y), ...include]);
  const inner = { width: width - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
  const [first, last] = range;
  /** @type {Scales} */
  const scales = {
    x: (step) => MARGIN.left + ((step - first) / (last - first)) * inner.width,
    y: (value) => HEIGHT - MARGIN.bottom - ((value - low) / (high - low)) * inner.height,
    step: (x) => Math.min(last, Math.max(first, first + ((x - MARGIN.left) / inner.width) * (last - first))),
  };
  svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  const lines = make("g", {});
  for (const { raw, line, colour, dashed, isSmooth } of visible)
    lines.append(...curveElements({ raw, line, colour, dashed, isSmooth }, scales));
  const frame = { left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top, bottom: HEIGHT - MARGIN.bottom };
  // Its own viewport cuts off what lies left and right of the range.
  const clip = make("svg", {
    x: frame.left,
    y: 0,
    width: inner.width,
    height: HEIGHT,
    viewBox: `${frame.left} 0 ${inner.width} ${HEIGHT}`,
  });
  clip.append(lines);
  svg.replaceChildren(...axes(ticks(low, high, 4), ticks(first, last, width < 360 ? 3 : 5), scales, frame), clip);
  return scales;
}

/**
 * @param {{ raw: Series, line: Series, colour: number, dashed: boolean, isSmooth: boolean }} curve
 * @param {Scales} scales
 * @returns {SVGElement[]}
 */
function curveElements({ raw, line, colour, dashed, isSmooth }, scales) {
  const name = `curve c${colour}${dashed ? " dashed" : ""}`;
  if (raw.x.length === 1) return [dot(raw.x[0] ?? 0, raw.y[0] ?? 0, name, scales)];
  const faint = make("polyline", { class: `${name} faint`, points: points(raw, scales) });
  return [...(isSmooth ? [faint] : []), make("polyline", { class: name, points: points(line, scales) })];
}

/**
 * @param {number} step
 * @param {number} value
 * @param {string} name
 * @param {Scales} scales
 */
export function dot(step, value, name, scales) {
  return make("circle", { class: `dot ${name}`, cx: scales.x(step), cy: scales.y(value), r: 3.5 });
}

/**
 * @param {Series} series
 * @param {Scales} scales
 */
const points = ({ x, y }, scales) =>
  x.map((step, i) => `${scales.x(step).toFixed(1)},${scales.y(y[i] ?? 0).toFixed(1)}`).join(" ");

/**
 * @param {number[]} values
 * @param {number[]} steps
 * @param {Scales} scales
 * @param {{ left: number, right: number, top: number, bottom: number }} frame
 */
function axes(values, steps, scales, { left, right, bottom }) {
  const rules = values.flatMap((value) => [
    make("line", { class: "axis", x1: left, x2: right, y1: scales.y(value), y2: scales.y(value) }),
    label(compact(value), left - 6, scales.y(value) + 4, "end"),
  ]);
  const whole = steps.filter((step) => Number.isInteger(step));
  return [...rules, ...whole.map((step) => label(compact(step), scales.x(step), bottom + 17, "middle"))];
}

/**
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {string} anchor
 */
function label(text, x, y, anchor) {
  const element = make("text", { x, y, "text-anchor": anchor });
  element.textContent = text;
  return element;
}

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @returns {SVGElement}
 */
export function make(name, attributes) {
  const element = /** @type {SVGElement} */ (document.createElementNS(NAMESPACE, name));
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}
