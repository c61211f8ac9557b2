import { compact } from "./format.ts";
import { type Html, html } from "./html.ts";
import type { ReportRadar } from "./report-input.ts";
import { legend, type SeriesStyles, seriesStyles } from "./series-style.ts";

const CENTRE_X = 200;
const CENTRE_Y = 150;
const RADIUS = 108;

/** Scores by category on spokes, as inline SVG with the numbers in a table behind a disclosure. */
export function radarChart(
  { title, note, axes, max, series }: ReportRadar,
  id: string,
  styles: SeriesStyles = seriesStyles([]),
): Html {
  const at = (axis: number, share: number): [number, number] => {
    const angle = (2 * Math.PI * axis) / axes.length - Math.PI / 2;
    return [round(CENTRE_X + RADIUS * share * Math.cos(angle)), round(CENTRE_Y + RADIUS * share * Math.sin(angle))];
  };
  const ring = (share: number) => axes.map((_, i) => at(i, share).join(",")).join(" ");
  const summary = series
    .map((one) => `${one.name}: ${axes.map((axis, i) => `${axis} ${score(one.values[i])}`).join(", ")}.`)
    .join(" ");
  return html`<figure class="panel"><h3>${title}</h3>
<svg viewBox="0 0 400 300" role="img" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">${title}</title><desc id="${id}-d">${summary}</desc>
<g aria-hidden="true">${[0.25, 0.5, 0.75, 1].map((share) => html`<polygon class="axis" fill="none" points="${ring(share)}"/>`)}
${axes.map((axis, i) => spoke(axis, at(i, 1), at(i, 1.1)))}<text x="${CENTRE_X + 4}" y="${CENTRE_Y - RADIUS + 12}">${compact(max)}</text></g>
${series.map((one, i) => {
  const points = axes.flatMap((_, axis) => {
    const value = one.values[axis];
    return value === null || value === undefined || !Number.isFinite(value) ? [] : [at(axis, Math.max(0, value / max)).join(",")];
  });
  return html`<polygon class="series" style="stroke:${styles(one.name, i).colour}" stroke-dasharray="${styles(one.name, i).dash}" points="${points.join(" ")}"/>`;
})}</svg>
${legend(series.map((one, i) => ({ name: one.name, style: styles(one.name, i) })))}${note ? html`<p class="note">${note}</p>` : null}
<details><summary>Numbers</summary><div class="scroll"><table><thead><tr><th scope="col">category</th>${series.map((one) => html`<th scope="col" class="num">${one.name}</th>`)}</tr></thead>
<tbody>${axes.map((axis, i) => html`<tr><th scope="row">${axis}</th>${series.map((one) => html`<td class="num">${score(one.values[i])}${ends(one.intervals?.[i])}</td>`)}</tr>`)}</tbody></table></div></details></figure>`;
}

function spoke(axis: string, [x, y]: [number, number], [lx, ly]: [number, number]): Html {
  const anchor = Math.abs(lx - CENTRE_X) < 8 ? "middle" : lx < CENTRE_X ? "end" : "start";
  return html`<line class="axis" x1="${CENTRE_X}" y1="${CENTRE_Y}" x2="${x}" y2="${y}"/><text x="${lx}" y="${ly + 4}" text-anchor="${anchor}">${axis}</text>`;
}

const ends = (interval: [number, number] | null | undefined): Html | null =>
  interval ? html`<span class="ci">${compact(interval[0])} to ${compact(interval[1])}</span>` : null;
const score = (value: number | null | undefined) => (value === null || value === undefined ? "n/a" : compact(value));
const round = (value: number) => Math.round(value * 10) / 10;
