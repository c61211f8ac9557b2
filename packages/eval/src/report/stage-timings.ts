import { duration } from "./format.ts";
import { type Html, html } from "./html.ts";
import type { ReportStage } from "./report-input.ts";

/** What each stage took, as bars on one scale. */
export function stageTimings(stages: readonly ReportStage[]): Html {
  const longest = Math.max(...stages.map((stage) => stage.seconds), 1e-9);
  const total = stages.reduce((sum, stage) => sum + stage.seconds, 0);
  return html`<div class="panel"><ul class="stages">${stages.map(
    ({
      name,
      seconds,
      note,
    }) => html`<li><span>${name}${note ? html` <span class="note">${note}</span>` : null}</span><span class="time">${duration(seconds)}</span>
<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="win" width="${Math.max(0.3, Math.round((1000 * seconds) / longest) / 10)}" height="8"/></svg></li>`,
  )}</ul><p class="note">Together ${duration(total)}.</p></div>`;
}
