import { dollars, duration } from "./progress-line.ts";
import type { RunResult } from "./run-stage.ts";
import type { Estimate } from "./survey.ts";

/** The table that ends a run, as lines. */
export function closingTable(result: RunResult): string[] {
  const header = ["model", "answered", "resumed", "failed", "tokens in", "tokens out", "cost"];
  const rows = Object.entries(result.models).map(([name, total]) => [
    name,
    String(total.answered),
    String(total.resumed),
    String(total.failed),
    String(total.prompt_tokens),
    String(total.completion_tokens),
    `${dollars(total.cost_usd)}${total.estimated > 0 ? " (estimated)" : ""}`,
  ]);
  const { rows: done, failed, duplicates, seconds, status, reason, warnings } = result;
  return [
    ...columns([header, ...rows]),
    `${done} rows written, ${failed} failed${duplicates > 0 ? `, ${duplicates} identical rows dropped` : ""}, ${duration(seconds)}`,
    ...Object.entries(warnings).map(([text, count]) => `warning: ${text} (${count} times)`),
    ...(reason === undefined ? [] : [`${status}: ${reason}`]),
  ];
}

/** A dry run's estimate, as lines. */
export function estimateTable(estimate: Estimate): string[] {
  const cost = (range: [number, number] | null): string =>
    range === null ? "no price" : `${dollars(range[0])} to ${dollars(range[1])}`;
  const rows = Object.entries(estimate.models).map(([name, { requests, cost_usd }]) => [name, String(requests), cost(cost_usd)]);
  return [
    ...columns([["model", "requests", "cost"], ...rows]),
    `${estimate.rows} rows, ${estimate.requests} requests, ${estimate.prompt_tokens.join(" to ")} prompt tokens, ${estimate.completion_tokens.join(" to ")} completion tokens, ${cost(estimate.cost_usd)}`,
    "dry run: nothing was sent",
  ];
}

function columns(table: string[][]): string[] {
  const widths = table[0]!.map((_, i) => Math.max(...table.map((row) => row[i]!.length)));
  return table.map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  "));
}
