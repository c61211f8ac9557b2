import { percent } from "./format.ts";
import { type Html, html } from "./html.ts";
import type { ReportComparison } from "./report-input.ts";

/** One comparison: win rate with interval, a bar of wins, ties and losses, and the interval against the 50% line. */
export function winBars(comparison: ReportComparison): Html {
  const { a, b, win_rate, ci95, wins, ties, losses, errors = 0 } = comparison;
  const total = wins + ties + losses;
  const interval = ci95 ? `95% interval ${percent(ci95[0])} to ${percent(ci95[1])}` : "no interval";
  return html`<article class="panel duel"><h3>${a} <span class="note">against</span> ${b}</h3>
<p class="rate"><b>${percent(win_rate)}</b> <span class="note">win rate of ${a}, ${interval}</span></p>
${
  total > 0
    ? html`${stack(wins, ties, losses, total)}${ci95 && win_rate !== null ? whisker(win_rate, ci95) : null}
<div class="scale" aria-hidden="true"><span>0%</span><span>50%</span><span>100%</span></div>`
    : null
}
<ul class="legend">${countOf("win", `${a} wins`, wins)}${countOf("tie", "ties", ties)}${countOf("loss", `${b} wins`, losses)}${errors > 0 ? html`<li>not judged: ${errors}</li>` : null}</ul>
<p class="note">${verdictOn(comparison)}</p></article>`;
}

function stack(wins: number, ties: number, losses: number, total: number): Html {
  const w = (100 * wins) / total;
  const t = (100 * ties) / total;
  return html`<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="${wins} wins, ${ties} ties, ${losses} losses"><rect class="win" width="${fix(w)}" height="10"/><rect class="tie" x="${fix(w)}" width="${fix(t)}" height="10"/><rect class="loss" x="${fix(w + t)}" width="${fix(100 - w - t)}" height="10"/></svg>`;
}

function whisker(rate: number, [lo, hi]: [number, number]): Html {
  const stroke = (x1: number, x2: number, y1: number, y2: number, width: number, colour: string) =>
    html`<line x1="${fix(100 * x1)}" x2="${fix(100 * x2)}" y1="${y1}" y2="${y2}" style="stroke:var(${colour})" stroke-width="${width}" vector-effect="non-scaling-stroke"/>`;
  return html`<svg class="whisker" viewBox="0 0 100 16" preserveAspectRatio="none" role="img" aria-label="win rate ${percent(rate)}, 95% interval ${percent(lo)} to ${percent(hi)}">${stroke(0, 1, 8, 8, 1, "--line")}${stroke(0.5, 0.5, 0, 16, 1, "--soft")}${stroke(lo, hi, 8, 8, 3, "--ink")}${stroke(rate, rate, 2, 14, 3, "--ink")}</svg>`;
}

const countOf = (kind: string, label: string, count: number) =>
  html`<li><span class="swatch ${kind}"></span>${label}: ${count}</li>`;

/** What the interval allows one to say. */
function verdictOn({ a, b, ci95 }: ReportComparison): string {
  if (!ci95) return "No pair could be judged.";
  if (ci95[0] > 0.5) return `${a} is better: the whole interval lies above 50%.`;
  if (ci95[1] < 0.5) return `${b} is better: the whole interval lies below 50%.`;
  return "The interval contains 50%: these data do not tell the two apart.";
}

const fix = (value: number) => Math.round(value * 100) / 100;
