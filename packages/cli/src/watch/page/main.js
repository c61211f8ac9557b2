// @ts-check
/** The live view: what the server sends becomes a list of runs and charts of their metrics. */
import { createChart } from "./chart.js";
import { CHARTS, otherCharts } from "./charts.js";
import { showRuns } from "./runs.js";
import { stepRange, take } from "./store.js";

/** @typedef {import("./chart.js").Chart} Chart */
/** @typedef {import("./chart.js").View} View */
/** @typedef {import("./store.js").Run} Run */

/** @type {Map<number, Run>} */
const runs = new Map();
/** @type {View} */
const view = { range: [1, 2], isZoomed: false, cursor: undefined, smoothing: 0.5 };
/** @type {Map<string, Chart>} */
const others = new Map();
/** @type {import("./chart.js").Hands} */
const hands = { moveTo, zoom };
const charts = CHARTS.map((kind) => createChart(kind, hands));
byId("charts").append(...charts.map(({ element }) => element));

/** @param {number | undefined} step */
function moveTo(step) {
  view.cursor = step;
  for (const chart of allCharts()) chart.point(view);
}

/** @param {[number, number] | undefined} wanted */
function zoom(wanted) {
  const [first, last] = stepRange(runs.values());
  const range = wanted && /** @type {[number, number]} */ ([Math.max(first, wanted[0]), Math.min(last, wanted[1])]);
  view.isZoomed = range !== undefined && range[1] - range[0] < last - first && range[1] > range[0];
  if (range && view.isZoomed) view.range = range;
  redraw();
}

const allCharts = () => [...charts, ...(details().open ? others.values() : [])];
const details = () => /** @type {HTMLDetailsElement} */ (byId("others"));

let isDue = false;
function redraw() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    drawAll();
  });
}

function drawAll() {
  const shown = [...runs.values()].filter(({ isShown }) => isShown);
  if (!view.isZoomed) view.range = stepRange(runs.values());
  const reset = /** @type {HTMLButtonElement} */ (byId("reset"));
  reset.disabled = !view.isZoomed;
  placeOthers(otherCharts(new Set([...runs.values()].flatMap(({ series }) => [...series.keys()]))));
  for (const chart of allCharts()) chart.show(shown, view);
}

/** @param {import("./charts.js").ChartKind[]} kinds */
function placeOthers(kinds) {
  details().hidden = kinds.length === 0;
  for (const kind of kinds) {
    if (others.has(kind.title)) continue;
    const chart = createChart(kind, hands);
    others.set(kind.title, chart);
    byId("other-charts").append(chart.element);
  }
}

/** @param {import("./store.js").RunUpdate[]} updates */
function receive(updates) {
  take(runs, updates);
  const all = [...runs.values()];
  byId("empty").hidden = all.some(({ series }) => series.size > 0);
  showRuns(byId("runs"), all, (id, isShown) => {
    const run = runs.get(id);
    if (run) run.isShown = isShown;
    redraw();
  });
  const running = all.filter(({ state }) => state === "running");
  const [first] = running;
  document.title = first ? `${first.step}/${first.max_steps ?? "?"} ${first.name}` : "zephyr watch";
  status(running.length > 0 ? `Live: ${running.length} of ${all.length} running.` : "Connected; no run is under way.");
  redraw();
}

function connect() {
  const events = new EventSource("/events");
  events.onmessage = ({ data }) => receive(JSON.parse(data).runs);
  events.onerror = () =>
    status("The connection is lost; what is shown stays, and it is tried again. Is zephyr watch still running?");
}

/** @param {string} text */
function status(text) {
  if (byId("status").textContent !== text) byId("status").textContent = text;
}

function listen() {
  const smoothing = /** @type {HTMLInputElement} */ (byId("smoothing"));
  smoothing.addEventListener("input", () => {
    view.smoothing = smoothing.valueAsNumber;
    byId("smoothing-value").textContent = smoothing.value;
    redraw();
  });
  byId("reset").addEventListener("click", () => zoom(undefined));
  details().addEventListener("toggle", redraw);
  new ResizeObserver(redraw).observe(byId("charts"));
  const themes = ["auto", "light", "dark"];
  const button = byId("theme");
  let theme = localStorage.getItem("zephyr-theme") ?? "auto";
  const paint = () => {
    document.documentElement.dataset["theme"] = theme;
    button.textContent = `Theme: ${theme}`;
  };
  button.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length] ?? "auto";
    localStorage.setItem("zephyr-theme", theme);
    paint();
  });
  paint();
}

/** @param {string} id */
function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`watch: index.html has no element with the id ${id}`);
  return found;
}

listen();
connect();
