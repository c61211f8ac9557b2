// @ts-check
/** Feedback jobs: how far they are, what they cost, and which model does what. */
import { element } from "./chart.js";
import { compact, dollars, duration } from "./scale.js";

/** @typedef {import("../feedback-view.ts").FeedbackView} FeedbackView */
/** @typedef {import("../feedback-view.ts").ModelView} ModelView */

const STATES = /** @type {Record<string, string>} */ ({
  running: "running",
  stopped: "stopped; --resume goes on",
  done: "done",
  partial: "done, with failed rows",
  pending: "waits to be resumed",
  interrupted: "interrupted; --resume goes on",
  failed: "failed",
});

/**
 * @param {HTMLElement} list
 * @param {Iterable<FeedbackView>} jobs
 */
export function showFeedback(list, jobs) {
  for (const job of jobs) {
    const id = `feedback-${job.id}`;
    let item = document.getElementById(id);
    if (!item) {
      item = jobItem(id, job);
      list.append(item);
    }
    update(item, job);
  }
}

/**
 * @param {string} id
 * @param {FeedbackView} job
 */
function jobItem(id, { name }) {
  const item = element("li", "panel");
  item.id = id;
  const head = element("div", "head");
  const title = element("span", "name");
  title.textContent = name;
  head.append(title, element("span", "state"));
  const [rows, cost] = ["rows", "cost"].map((kind) => {
    const bar = element("progress", kind);
    bar.setAttribute("aria-label", `${kind === "rows" ? "Rows" : "Cost against the budget"} of ${name}`);
    return bar;
  });
  const scroller = element("div", "scroller");
  scroller.tabIndex = 0;
  scroller.setAttribute("role", "region");
  scroller.setAttribute("aria-label", `Models of ${name}`);
  scroller.append(element("table", ""));
  const warnings = element("details", "warnings");
  warnings.append(element("summary", ""), element("ul", ""));
  item.append(
    head,
    rows ?? "",
    element("p", "steps"),
    cost ?? "",
    element("p", "money steps"),
    element("p", "reason"),
    scroller,
    warnings,
  );
  return item;
}

/**
 * @param {HTMLElement} item
 * @param {FeedbackView} job
 */
function update(item, job) {
  const { command, status, reason, rows, cost_usd, projected_cost_usd: projected, budget_usd: budget, warnings } = job;
  const state = find(item, ".state");
  state.dataset["state"] = status;
  state.textContent = `${command}: ${STATES[status] ?? status}`;
  setBar(find(item, ".rows"), rows.done + rows.failed, rows.total);
  // Fewer dialogues than topics allow are no lack once the job is done.
  if (status === "done") setBar(find(item, ".rows"), 1, 1);
  find(item, ".steps").textContent = rowsLine(job);
  const cost = find(item, ".cost");
  cost.hidden = budget === null;
  setBar(cost, cost_usd, budget ?? 1);
  const money = [`${dollars(cost_usd)}${budget === null ? " spent" : ` of ${dollars(budget)}`}`];
  if (status === "running" && projected !== null) money.push(`about ${dollars(projected)} in all`);
  const isOver = status === "running" && projected !== null && budget !== null && projected > budget;
  if (isOver) money.push("more than the budget: it will stop before its end");
  find(item, ".money").textContent = money.join(" · ");
  find(item, ".money").classList.toggle("bad", isOver);
  find(item, ".reason").hidden = reason === "";
  find(item, ".reason").textContent = reason;
  find(item, "table").replaceChildren(...modelTable(job.models));
  const details = find(item, ".warnings");
  details.hidden = warnings.length === 0;
  find(details, "summary").textContent = `${warnings.length} ${warnings.length === 1 ? "warning" : "warnings"}`;
  find(details, "ul").replaceChildren(
    ...warnings.map(({ text, count }) => {
      const line = element("li", "");
      line.textContent = `${text} (${compact(count)} times)`;
      return line;
    }),
  );
}

/** @param {FeedbackView} job */
function rowsLine({ rows, requests, rows_per_second: rate, seconds_left: left, status }) {
  const parts = [`${compact(rows.done + rows.failed)} of ${compact(rows.total)} rows`];
  if (rows.failed > 0) parts.push(`${compact(rows.failed)} failed`);
  parts.push(`${compact(requests.answered)} of ${compact(requests.total)} answers`);
  if (rate !== null && status === "running") parts.push(`${compact(rate)} rows/s`);
  if (left !== null) parts.push(`${duration(left)} left`);
  return parts.join(" · ");
}

const COLUMNS = ["model", "answers", "failed", "tokens in", "tokens out", "cost"];

/** @param {ModelView[]} models */
function modelTable(models) {
  const head = element("thead", "");
  const body = element("tbody", "");
  head.append(row("th", COLUMNS));
  body.append(
    ...models.map(({ name, answered, failed, total, prompt_tokens, completion_tokens, cost_usd, waits_seconds: waits }) =>
      row("td", [
        waits > 0 ? `${name}, waits ${duration(waits)}` : name,
        `${compact(answered)} of ${compact(total)}`,
        compact(failed),
        compact(prompt_tokens),
        compact(completion_tokens),
        dollars(cost_usd),
      ]),
    ),
  );
  return [head, body];
}

/**
 * @param {string} kind
 * @param {string[]} cells
 */
function row(kind, cells) {
  const line = element("tr", "");
  for (const [i, text] of cells.entries()) {
    const cell = element(kind === "td" && i === 0 ? "th" : kind, "");
    cell.setAttribute(
      kind === "td" ? (i === 0 ? "scope" : "data-column") : "scope",
      kind === "td" ? (i === 0 ? "row" : (COLUMNS[i] ?? "")) : "col",
    );
    cell.textContent = text;
    line.append(cell);
  }
  return line;
}

/**
 * @param {HTMLElement} bar
 * @param {number} value
 * @param {number} max
 */
function setBar(bar, value, max) {
  const progress = /** @type {HTMLProgressElement} */ (bar);
  progress.max = max > 0 ? max : 1;
  progress.value = Math.min(value, progress.max);
}

/**
 * @param {HTMLElement} item
 * @param {string} selector
 */
const find = (item, selector) => /** @type {HTMLElement} */ (item.querySelector(selector));
