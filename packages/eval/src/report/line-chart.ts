import { compact, ticks } from "./format.ts";
import { type Html, html } from "./html.ts";
import type { CurveSeries, ReportCurves } from "./report-input.ts";
import { legend, type SeriesStyle, type SeriesStyles, seriesStyles } from "./series-style.ts";

const WIDTH = 340;
const HEIGHT = 215;
const LEFT = 46;
const RIGHT = 14;
const BOTTOM = 38;
const DRAWN_POINTS = 300;
const SMOOTH_ABOVE = 60;
const LISTED_POINTS = 12;

interface Point {
  x: number;
  y: number;
}

interface Series {
  name: string;
  points: Point[];
}

/**
 * One chart of curves as inline SVG with a legend, a sentence for screen readers and the numbers in a table behind a
 * disclosure. A series of more than 60 points is drawn faint, with its running mean on top.
 */
export function lineChart(
  { title, note, xLabel = "step", yLabel = "", series }: ReportCurves,
  id: string,
  styles: SeriesStyles = seriesStyles([]),
): Html {
  const drawn = series.map(toSeries).filter((one) => one.points.length > 0);
  if (drawn.length === 0) return html`<figure class="panel"><h3>${title}</h3><p class="note">No values were logged.</p></figure>`;
  const all = drawn.flatMap((one) => one.points);
  const [x0, x1] = range(
    all.map((point) => point.x),
    false,
  );
  const [y0, y1] = range(
    all.map((point) => point.y),
    true,
  );
  // A label of the y axis stands above it.
  const top = yLabel === "" ? 10 : 26;
  const sx = (x: number) => LEFT + ((x - x0) / (x1 - x0)) * (WIDTH - LEFT - RIGHT);
  const sy = (y: number) => HEIGHT - BOTTOM - ((y - y0) / (y1 - y0)) * (HEIGHT - top - BOTTOM);
  return html`<figure class="panel"><h3>${title}</h3>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">${title}</title><desc id="${id}-d">${drawn.map(describe).join(" ")}</desc>
${axes(ticks(x0, x1, 5), ticks(y0, y1, 6), sx, sy, xLabel, yLabel)}
${drawn.map((one, i) => seriesLines(one.points, styles(one.name, i), sx, sy))}</svg>
${drawn.length > 1 || drawn[0]!.name !== title ? legend(drawn.map((one, i) => ({ name: one.name, style: styles(one.name, i) }))) : null}
${note ? html`<p class="note">${note}</p>` : null}${numbers(drawn, xLabel)}</figure>`;
}

function toSeries({ name, x, y }: CurveSeries): Series {
  const points = x.flatMap((at, i) => (Number.isFinite(at) && Number.isFinite(y[i] ?? Number.NaN) ? [{ x: at, y: y[i]! }] : []));
  return { name, points };
}

function axes(
  xs: number[],
  ys: number[],
  sx: (x: number) => number,
  sy: (y: number) => number,
  xLabel: string,
  yLabel: string,
): Html {
  const right = WIDTH - RIGHT;
  const bottom = HEIGHT - BOTTOM;
  return html`<g aria-hidden="true">${ys.map(
    (y) =>
      html`<line class="axis" x1="${LEFT}" x2="${right}" y1="${round(sy(y))}" y2="${round(sy(y))}"/><text x="${LEFT - 6}" y="${round(sy(y) + 4)}" text-anchor="end">${compact(y)}</text>`,
  )}${xs.map((x) => html`<text x="${round(sx(x))}" y="${bottom + 16}" text-anchor="middle">${compact(x)}</text>`)}
<text x="${right}" y="${HEIGHT - 4}" text-anchor="end">${xLabel}</text><text x="4" y="12">${yLabel}</text></g>`;
}

function seriesLines(points: Point[], style: SeriesStyle, sx: (x: number) => number, sy: (y: number) => number): Html {
  const line = (list: Point[]) => list.map((p) => `${round(sx(p.x))},${round(sy(p.y))}`).join(" ");
  const colour = `stroke:${style.colour}`;
  if (points.length === 1)
    return html`<circle cx="${round(sx(points[0]!.x))}" cy="${round(sy(points[0]!.y))}" r="3.5" style="fill:${style.colour}"/>`;
  const noisy = points.length > SMOOTH_ABOVE;
  return html`${noisy ? html`<polyline class="series raw" style="${colour}" points="${line(thin(points))}"/>` : null}
<polyline class="series" style="${colour}" stroke-dasharray="${style.dash}" points="${line(thin(noisy ? runningMean(points) : points))}"/>`;
}

/** Centred running mean over a fortieth of the series. */
function runningMean(points: Point[]): Point[] {
  const reach = Math.max(2, Math.round(points.length / 80));
  return points.map((point, i) => {
    const near = points.slice(Math.max(0, i - reach), i + reach + 1);
    return { x: point.x, y: near.reduce((sum, p) => sum + p.y, 0) / near.length };
  });
}

/** At most 300 points that keep each stretch's lowest and highest value. */
function thin(points: Point[]): Point[] {
  if (points.length <= DRAWN_POINTS) return points;
  const size = Math.ceil((2 * points.length) / DRAWN_POINTS);
  const kept: Point[] = [points[0]!];
  for (let start = 1; start < points.length - 1; start += size) {
    const bucket = points.slice(start, Math.min(start + size, points.length - 1));
    const low = bucket.reduce((a, b) => (b.y < a.y ? b : a));
    const high = bucket.reduce((a, b) => (b.y > a.y ? b : a));
    kept.push(...(low === high ? [low] : [low, high].sort((a, b) => a.x - b.x)));
  }
  return [...kept, points.at(-1)!];
}

function range(values: number[], padded: boolean): [number, number] {
  let lo = Infinity;
  let hi = -Infinity;
  for (const value of values) {
    lo = Math.min(lo, value);
    hi = Math.max(hi, value);
  }
  if (lo === hi) return [lo - Math.max(Math.abs(lo) * 0.1, 0.5), hi + Math.max(Math.abs(hi) * 0.1, 0.5)];
  const margin = padded ? (hi - lo) * 0.06 : 0;
  // A quantity that never goes below zero should not seem to.
  return [lo >= 0 ? Math.max(0, lo - margin) : lo - margin, hi + margin];
}

function describe({ name, points }: Series): string {
  const [first, last] = [points[0]!, points.at(-1)!];
  return `${name}: from ${compact(first.y)} at ${compact(first.x)} to ${compact(last.y)} at ${compact(last.x)}.`;
}

function numbers(series: Series[], xLabel: string): Html {
  const rows = series.flatMap(({ name, points }) =>
    pick(points).map(
      (point) => html`<tr><td>${name}</td><td class="num">${compact(point.x)}</td><td class="num">${compact(point.y)}</td></tr>`,
    ),
  );
  return html`<details><summary>Numbers</summary><table><thead><tr><th scope="col">series</th><th scope="col" class="num">${xLabel}</th><th scope="col" class="num">value</th></tr></thead><tbody>${rows}</tbody></table></details>`;
}

function pick(points: Point[]): Point[] {
  if (points.length <= LISTED_POINTS) return points;
  return Array.from({ length: LISTED_POINTS }, (_, i) => points[Math.round((i * (points.length - 1)) / (LISTED_POINTS - 1))]!);
}

const round = (value: number) => Math.round(value * 10) / 10;
