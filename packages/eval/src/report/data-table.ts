import { percent } from "./format.ts";
import { type Html, html } from "./html.ts";
import type { Cell, ReportColumn, ReportTable } from "./report-input.ts";

/** A table with heading and row headers that scrolls sideways by itself on a narrow screen. */
export function dataTable({ title, note, columns, rows, highlight = [] }: ReportTable, id: string): Html {
  const best = columns.map((column) => bestOf(column, rows));
  return html`<section class="panel"><h3 id="${id}">${title}</h3><div class="scroll" tabindex="0" role="region" aria-labelledby="${id}"><table aria-labelledby="${id}">
<thead><tr>${columns.map((column) => html`<th scope="col" class="${numeric(column) ? "num" : ""}">${column.label}</th>`)}</tr></thead>
<tbody>${rows.map(
    (row, r) =>
      html`<tr class="${highlight.includes(r) ? "mine" : ""}">${columns.map((column, c) => cell(column, row[column.key] ?? null, c === 0, best[c]))}</tr>`,
  )}</tbody></table></div>${note ? html`<p class="note">${note}</p>` : null}</section>`;
}

function cell(column: ReportColumn, value: Cell, header: boolean, best: number | undefined): Html {
  if (header) return html`<th scope="row">${show(column, value)}</th>`;
  if (!numeric(column)) return html`<td>${show(column, value)}</td>`;
  const shown =
    best !== undefined && numberOf(value) === best ? html`<b>${show(column, value)}</b>` : html`${show(column, value)}`;
  return html`<td class="num">${shown}${intervalOf(column, value)}</td>`;
}

const numeric = (column: ReportColumn) => column.kind === "number" || column.kind === "percent";

function bestOf(column: ReportColumn, rows: readonly Record<string, Cell>[]): number | undefined {
  const values = rows.map((row) => numberOf(row[column.key] ?? null)).filter((value) => value !== undefined);
  if (!column.best || values.length < 2) return undefined;
  return column.best === "max" ? Math.max(...values) : Math.min(...values);
}

function numberOf(value: Cell): number | undefined {
  const number = typeof value === "object" ? value?.value : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

function show(column: ReportColumn, value: Cell): string {
  if (typeof value === "string") return value;
  const number = numberOf(value);
  if (number === undefined) return "–";
  return column.kind === "percent"
    ? percent(number, column.digits ?? 1)
    : number.toFixed(column.digits ?? (Number.isInteger(number) ? 0 : 2));
}

function intervalOf(column: ReportColumn, value: Cell): Html | null {
  if (typeof value !== "object" || value === null || value.ci === null) return null;
  const [lo, hi] = value.ci.map((end) =>
    column.kind === "percent" ? percent(end, column.digits ?? 1).replace("%", "") : end.toFixed(column.digits ?? 2),
  );
  return html`<span class="ci">${lo!} to ${hi!}</span>`;
}
