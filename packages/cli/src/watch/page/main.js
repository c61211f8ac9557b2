// @ts-check
/** The live view: what the server sends becomes a list of runs and charts of their metrics. */
import { createChart } from "./chart.js";
import { CHARTS, otherCharts } from "./charts.js";
import { showFeedback } from "./feedback.js";
import { showRuns } from "./runs.js";
import { createSamples } from "./samples.js";
import { showRecipes } from "./stages.js";
import { stepRange, take } from "./store.js";

/** @typedef {import("./chart.js").Chart} Chart */
/** @typedef {import("./chart.js").View} View */
/** @typedef {import("./store.js").Run} Run */
/** @typedef {import("../watch-server.ts").Update} Update */

/** @type {Map<number, Run>} */
const runs = new Map();
/** @type {Map<number, import("../feedback-view.ts").FeedbackView>} */
const feedback = new Map();
/** @type {Map<number, import("../recipe-view.ts").RecipeView>} */
const recipes = new Map();
/** @type {View} */
const view = { range: [1, 2], isZoomed: false, cursor: undefined, smoothing: 0.5 };
/** @type {Map<string, Chart>} */
const others = new Map();
/** @type {import("./chart.js").Hands} */
const hands = { moveTo, zoom };
const charts = CHARTS.map((kind) => createChart(kind, hands));
byId("charts").append(...charts.map(({ element }) => element));
const samples = createSamples({
  section: byId("samples-section"),
  list: byId("samples"),
  slider: /** @type {HTMLInputElement} */ (byId("sample-step")),
  shown: byId("sample-shown"),
  earlier: /** @type {HTMLButtonElement} */ (byId("sample-earlier")),
  later: /** @type {HTMLButtonElement} */ (byId("sample-later")),
  removed: /** @type {HTMLInputElement} */ (byId("sample-removed")),
});

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
  samples.show(shown);
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

/** @param {Update} update */
function receive(update) {
  take(runs, update.runs);
  for (const id of update.gone) {
    runs.delete(id);
    document.getElementById(`run-${id}`)?.remove();
  }
  for (const job of update.feedback) feedback.set(job.id, job);
  for (const recipe of update.recipes) recipes.set(recipe.id, recipe);
  const all = [...runs.values()];
  const hasLog = all.some(({ series }) => series.size > 0);
  byId("empty").hidden = hasLog;
  byId("runs-section").hidden = all.length === 0;
  byId("curves-section").hidden = !hasLog;
  byId("feedback-section").hidden = feedback.size === 0;
  byId("recipes-section").hidden = recipes.size === 0;
  showRuns(byId("runs"), all, (id, isShown) => {
    const run = runs.get(id);
    if (run) run.isShown = isShown;
    redraw();
  });
  showFeedback(byId("feedback"), feedback.values());
  showStages();
  tellState(all);
  redraw();
}

const showStages = () => showRecipes(byId("recipes"), recipes.values(), Date.now() / 1000);

/** @param {Run[]} all */
function tellState(all) {
  const [run] = all.filter(({ state }) => state === "running");
  const [job] = [...feedback.values()].filter(({ status }) => status === "running");
  const share = job && job.rows.total > 0 ? Math.floor((100 * (job.rows.done + job.rows.failed)) / job.rows.total) : 0;
  document.title = run ? `${run.step}/${run.max_steps ?? "?"} ${run.name}` : job ? `${share}% ${job.name}` : "zephyr watch";
  const running = [...all.map(({ state }) => state), ...[...feedback.values()].map(({ status }) => status)];
  const count = running.filter((state) => state === "running").length;
  status(count > 0 ? `Live: ${count} of ${running.length} running.` : "Connected; nothing is under way.");
}

function connect() {
  const events = new EventSource("/events");
  events.onmessage = ({ data }) => receive(JSON.parse(data));
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
  // How long a stage has run is told while nothing else changes.
  setInterval(showStages, 5000);
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
