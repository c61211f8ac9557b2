import { type Html, html } from "./html.ts";
import type { ReportSample } from "./report-input.ts";

const LONGEST_ANSWER = 6000;
const TEXT_BUDGET = 600_000;

/** Answers to the same prompt side by side, the first prompt open; what exceeds 600 kB of text is counted, not shown. */
export function sampleAnswers(samples: readonly ReportSample[]): Html {
  const shown: Html[] = [];
  let size = 0;
  for (const sample of samples) {
    const item = oneSample(sample, shown.length === 0);
    size += item.markup.length;
    if (size > TEXT_BUDGET && shown.length > 0) break;
    shown.push(item);
  }
  const left = samples.length - shown.length;
  return html`${shown}${left > 0 ? html`<p class="note">${left} more prompts are in the result files; they are left out here to keep the page small.</p>` : null}`;
}

function oneSample({ prompt, label, answers }: ReportSample, open: boolean): Html {
  return html`<details${open ? html` open` : null}><summary>${oneLine(prompt)}${label ? html`<span class="label">${label}</span>` : null}</summary>
${isShort(prompt) ? null : html`<p class="text prompt" dir="auto">${cut(prompt)}</p>`}
<div class="answers">${answers.map(
    ({ name, content, note }) =>
      html`<section class="panel"><h3>${name}</h3><p class="text" dir="auto">${content === "" ? html`<span class="note">(empty answer)</span>` : cut(content)}</p>${note ? html`<p class="note">${note}</p>` : null}</section>`,
  )}</div></details>`;
}

const isShort = (prompt: string) => prompt.length <= 120 && !prompt.includes("\n");

function oneLine(prompt: string): string {
  const line = prompt.replace(/\s+/g, " ").trim();
  return line.length > 120 ? [...line].slice(0, 118).join("") + "…" : line;
}

function cut(text: string): string {
  if (text.length <= LONGEST_ANSWER) return text;
  const points = [...text];
  return (
    points.slice(0, LONGEST_ANSWER).join("") +
    (points.length > LONGEST_ANSWER ? `… (${points.length - LONGEST_ANSWER} more characters)` : "")
  );
}
