import { codePoints } from "../alpaca-eval/rows.ts";
import { groupBy } from "../group-by.ts";
import { type Html, html } from "./html.ts";
import type { ReportSample } from "./report-input.ts";

/** Longest texts, in code points, from most to least; the first that lets all samples fit is taken. */
const LENGTHS = [6000, 3000, 1500, 800, 500, 300, 200, 120, 60] as const;
const TEXT_BUDGET = 720_000;

/**
 * Answers to the same prompt side by side, grouped, the first prompt open. Texts are cut alike (notes at half the length) so that all samples fit into
 * 720 kB; what still exceeds that is counted, not shown.
 */
export function sampleAnswers(samples: readonly ReportSample[]): Html {
  const { items, longest } = fitting(samples);
  let size = 0;
  const shown = samples.filter((_, i) => {
    size += bytes(items[i]!);
    return size <= TEXT_BUDGET || i === 0;
  });
  const left = samples.length - shown.length;
  const groups = groupBy(shown, (sample) => sample.group ?? "");
  const body = [...groups].map(([group, own]) => grouped(group, own, own[0] === samples[0], longest));
  return html`${body}${longest < LENGTHS[0] ? html`<p class="note">Answers are cut after ${longest} characters, notes after half as many; the result files hold them whole.</p>` : null}${left > 0 ? html`<p class="note">${left} more prompts are in the result files; they are left out here to keep the page small.</p>` : null}`;
}

function fitting(samples: readonly ReportSample[]): { items: Html[]; longest: number } {
  const shortest = LENGTHS.at(-1)!;
  for (const longest of LENGTHS) {
    // Markup and escapes only add to the texts: what is too long without them need not be made.
    if (longest > shortest && textIn(samples, longest) > TEXT_BUDGET) continue;
    const items = samples.map((sample) => oneSample(sample, false, longest));
    if (longest === shortest || items.reduce((sum, item) => sum + bytes(item), 0) <= TEXT_BUDGET) return { items, longest };
  }
  return { items: [], longest: shortest };
}

const textIn = (samples: readonly ReportSample[], longest: number): number =>
  samples.reduce(
    (sum, { answers }) =>
      sum +
      answers.reduce(
        (size, { content, note = "" }) => size + Math.min(content.length, longest) + Math.min(note.length, longest / 2),
        0,
      ),
    0,
  );

const bytes = ({ markup }: Html): number => Buffer.byteLength(markup);

function grouped(group: string, samples: readonly ReportSample[], first: boolean, longest: number): Html {
  const items = samples.map((sample, i) => oneSample(sample, first && i === 0, longest));
  if (group === "") return html`${items}`;
  return html`<details class="group"${first ? html` open` : null}><summary><b>${group}</b><span class="label">${samples.length} prompts</span></summary>${items}</details>`;
}

function oneSample({ prompt, label, answers }: ReportSample, open: boolean, longest: number): Html {
  return html`<details${open ? html` open` : null}><summary>${oneLine(prompt)}${label ? html`<span class="label">${label}</span>` : null}</summary>
${isShort(prompt) ? null : html`<p class="text prompt" dir="auto">${cut(prompt, longest)}</p>`}
<div class="answers">${answers.map(
    ({ name, content, note }) =>
      html`<section class="panel"><h3>${name}</h3><p class="text" dir="auto">${content === "" ? html`<span class="note">(empty answer)</span>` : cut(content, longest)}</p>${note ? html`<p class="note text">${cut(note, longest / 2)}</p>` : null}</section>`,
  )}</div></details>`;
}

const isShort = (prompt: string) => prompt.length <= 120 && !prompt.includes("\n");

function oneLine(prompt: string): string {
  const line = prompt.replace(/\s+/g, " ").trim();
  return line.length > 120 ? [...line].slice(0, 118).join("") + "…" : line;
}

function cut(text: string, longest: number): string {
  if (text.length <= longest) return text;
  let end = 0;
  for (let points = 0; points < longest && end < text.length; points++) end += text.codePointAt(end)! > 0xffff ? 2 : 1;
  if (end === text.length) return text;
  return `${text.slice(0, end)}… (${codePoints(text.slice(end))} more characters)`;
}
