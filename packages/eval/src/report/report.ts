import { dataTable } from "./data-table.ts";
import { compact } from "./format.ts";
import { type Html, html } from "./html.ts";
import { lineChart } from "./line-chart.ts";
import { radarChart } from "./radar-chart.ts";
import type { ReportInput } from "./report-input.ts";
import { sampleAnswers } from "./samples.ts";
import { seriesStyles } from "./series-style.ts";
import { stageTimings } from "./stage-timings.ts";
import { STYLE } from "./style.ts";
import { winBars } from "./win-bars.ts";

interface Part {
  id: string;
  heading: string;
  body: Html;
}

/**
 * One self-contained HTML page: no script, no network, all model text escaped; light and dark, from 320 px up, with
 * every chart's numbers in text. Returns the page; parts without content are left out.
 *
 * @example
 * writeFileSync("report.html", report({ title: "dDPO on tiny", comparisons: [result], curves: trainingCurves(logs) }));
 */
export function report(input: ReportInput): string {
  const parts = partsOf(input);
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${input.title}</title><style>${{ markup: STYLE }}</style></head>
<body><a class="skip" href="#content">Skip to the results</a>
<header><h1>${input.title}</h1>${input.summary ? html`<p class="summary">${input.summary}</p>` : null}
${parts.length > 1 ? html`<nav aria-label="Parts of this report"><ul>${parts.map((part) => html`<li><a href="#${part.id}">${part.heading}</a></li>`)}</ul></nav>` : null}</header>
<main id="content">${parts.map((part) => html`<section aria-labelledby="${part.id}"><h2 id="${part.id}">${part.heading}</h2>${part.body}</section>`)}</main>
<footer><p>Written by Zephyr. Intervals are 95%.</p></footer></body></html>
`;
  return page.markup;
}

function partsOf({
  tables = [],
  comparisons = [],
  curves = [],
  radars = [],
  samples = [],
  stages = [],
  facts = {},
}: ReportInput): Part[] {
  const named = Object.entries(facts).filter(([, value]) => value !== null);
  const styles = seriesStyles([...radars, ...curves].flatMap((chart) => chart.series.map((series) => series.name)));
  const parts: (Part | false)[] = [
    tables.length > 0 && {
      id: "results",
      heading: "Results",
      body: html`${tables.map((table, i) => dataTable(table, `table-${i}`))}`,
    },
    comparisons.length > 0 && { id: "comparisons", heading: "Head to head", body: grid(comparisons.map(winBars)) },
    radars.length > 0 && {
      id: "categories",
      heading: "By category",
      body: grid(radars.map((radar, i) => radarChart(radar, `radar-${i}`, styles))),
    },
    curves.length > 0 && {
      id: "curves",
      heading: "Curves",
      body: grid(curves.map((curve, i) => lineChart(curve, `curve-${i}`, styles))),
    },
    samples.length > 0 && { id: "samples", heading: "Answers by prompt", body: sampleAnswers(samples) },
    stages.length > 0 && { id: "stages", heading: "Time by stage", body: stageTimings(stages) },
    named.length > 0 && { id: "facts", heading: "About this run", body: factList(named) },
  ];
  return parts.filter((part) => part !== false);
}

const grid = (items: readonly Html[]): Html => html`<div class="grid">${items}</div>`;

function factList(facts: readonly [string, string | number | null][]): Html {
  const show = (value: string | number | null) =>
    typeof value === "number" ? (Number.isInteger(value) ? String(value) : compact(value)) : (value ?? "");
  return html`<dl class="facts">${facts.map(([term, value]) => html`<div><dt>${term}</dt><dd>${show(value)}</dd></div>`)}</dl>`;
}
