import { expect, test } from "vitest";
import { compact, duration, percent, ticks } from "./format.ts";
import { html } from "./html.ts";
import { report } from "./report.ts";
import type { ReportInput } from "./report-input.ts";
import { trainingCurves } from "./training-curves.ts";

const ATTACK = `</p></section><script>alert(1)</script><img src=x onerror="alert(1)" title='"'> &lt; \u0000\ud800 \`x\``;

const everywhere: ReportInput = {
  title: ATTACK,
  summary: ATTACK,
  facts: { [ATTACK]: ATTACK, seed: 0, nothing: null },
  tables: [
    {
      title: ATTACK,
      note: ATTACK,
      columns: [
        { key: "a", label: ATTACK },
        { key: "b", label: "b", kind: "percent" },
      ],
      rows: [{ a: ATTACK, b: ATTACK }],
    },
  ],
  comparisons: [{ a: ATTACK, b: ATTACK, wins: 3, losses: 1, ties: 0, win_rate: 0.75, ci95: [0.3, 0.95] }],
  curves: [{ title: ATTACK, note: ATTACK, xLabel: ATTACK, yLabel: ATTACK, series: [{ name: ATTACK, x: [1, 2], y: [3, 4] }] }],
  radars: [{ title: ATTACK, axes: [ATTACK, "b", "c"], max: 10, series: [{ name: ATTACK, values: [1, null, 3] }] }],
  samples: [{ prompt: ATTACK, label: ATTACK, answers: [{ name: ATTACK, content: ATTACK, note: ATTACK }] }],
  stages: [{ name: ATTACK, seconds: 1, note: ATTACK }],
};

/** Checks that tags nest and close, and returns every element with its attributes. */
function elements(page: string): { name: string; attributes: string }[] {
  const open: string[] = [];
  const found: { name: string; attributes: string }[] = [];
  for (const [, closing, name, attributes] of page
    .replace(/<style>.*?<\/style>/s, "")
    .matchAll(/<(\/?)([a-z][a-z0-9]*)((?:\s+[a-zA-Z-]+(?:="[^"<>]*")?)*)\s*\/?>/gi)) {
    if (closing) expect(open.pop()).toBe(name);
    else {
      found.push({ name: name!, attributes: attributes! });
      if (!["meta", "line", "rect", "circle", "polyline", "polygon"].includes(name!)) open.push(name!);
    }
  }
  expect(open).toEqual([]);
  return found;
}

test("text from a model cannot become markup in any place of the page", () => {
  const page = report(everywhere);
  const found = elements(page);
  expect(found.filter(({ name }) => ["script", "img", "iframe", "link", "object"].includes(name))).toEqual([]);
  expect(found.filter(({ attributes }) => /\son[a-z]+=|href="(?!#)|src=/.test(attributes))).toEqual([]);
  expect(page).not.toContain("<script");
  expect(page).not.toContain("\u0000");
  expect(page).not.toMatch(/\p{Surrogate}/u);
  const body = page.replace(/<style>.*?<\/style>/s, "");
  expect(body.match(/[<>]/g)!.length).toBe(2 * body.match(/<[/!a-z][^<>]*>/gi)!.length);
});

test("ids are unique, every reference resolves, every picture has a name, every table scrolls by keyboard", () => {
  const found = elements(report(everywhere));
  const ids = found.flatMap(({ attributes }) => [...attributes.matchAll(/\sid="([^"]*)"/g)].map((match) => match[1]!));
  expect(new Set(ids).size).toBe(ids.length);
  const references = found.flatMap(({ attributes }) =>
    [...attributes.matchAll(/(?:aria-labelledby|href)="#?([^"]*)"/g)].flatMap((match) => match[1]!.split(" ")),
  );
  for (const reference of references) expect(ids).toContain(reference);
  for (const { name, attributes } of found) if (name === "svg") expect(attributes).toMatch(/aria-hidden="true"|role="img"/);
  for (const { attributes } of found)
    if (attributes.includes('class="scroll" tabindex')) expect(attributes).toContain('role="region"');
});

test("a report of nothing but a title is a whole page without empty parts", () => {
  const page = report({ title: "empty", tables: [], curves: [], samples: [] });
  elements(page);
  expect(page).not.toContain("<h2");
  expect(page).not.toContain("<nav");
});

test("more answers than fit are cut alike and then left out, the page stays under 1 MB and says so", () => {
  const samples = Array.from({ length: 800 }, (_, i) => ({
    prompt: `question ${i}`,
    answers: Array.from({ length: 10 }, (_, m) => ({ name: `model ${m}`, content: "words and <b>markup</b> ".repeat(80) })),
  }));
  const rows = Array.from({ length: 20000 }, (_, i) => ({ step: i, loss: Math.sin(i) }));
  const page = report({
    title: "big",
    samples,
    curves: trainingCurves(Array.from({ length: 10 }, (_, m) => ({ name: `model ${m}`, rows }))),
  });
  expect(page.length).toBeLessThan(1_000_000);
  expect(page).toMatch(/\d+ more prompts are in the result files/);
  expect(page.includes("Answers are cut after 60 characters")).toBe(true);
});

test("curves skip what is no number, keep one-point and flat series, and keep a spike through thinning", () => {
  const y = Array.from({ length: 5000 }, (_, i) => (i === 2345 ? 50 : 1));
  const page = report({
    title: "curves",
    curves: [
      { title: "spike", series: [{ name: "s", x: y.map((_, i) => i), y }] },
      { title: "gaps", series: [{ name: "s", x: [1, 2, 3], y: [1, null, Number.NaN] }] },
      { title: "flat", series: [{ name: "s", x: [1, 2], y: [0, 0] }] },
      { title: "none", series: [{ name: "s", x: [], y: [] }] },
    ],
  });
  expect(page).not.toMatch(/NaN|Infinity/);
  expect(page).toContain("No values were logged.");
  const raw = /class="series raw"[^>]*points="([^"]*)"/
    .exec(page)![1]!
    .split(" ")
    .map((point) => Number(point.split(",")[1]));
  expect(Math.min(...raw)).toBeLessThan(40);
  expect(raw.length).toBeLessThanOrEqual(305);
});

test("the verdict under a bar follows the interval", () => {
  const at = (ci95: [number, number] | null) =>
    report({ title: "t", comparisons: [{ a: "x", b: "y", wins: 5, losses: 5, ties: 0, win_rate: 0.5, ci95 }] });
  expect(at([0.51, 0.7])).toContain("x is better");
  expect(at([0.3, 0.49])).toContain("y is better");
  expect(at([0.4, 0.6])).toContain("do not tell the two apart");
  expect(at(null)).toContain("No pair could be judged");
});

test("training logs become charts in TRL's names, supervised and preference runs apart, evaluation lines beside", () => {
  const sft = [
    { step: 1, loss: 2 },
    { step: 2, loss: 1 },
    { step: 2, eval_loss: 1.5 },
  ];
  const dpo = [
    { step: 1, loss: 0.69, "rewards/margins": 0 },
    { step: 2, loss: 0.6, "rewards/margins": null },
  ];
  const charts = trainingCurves([
    { name: "a", rows: sft },
    { name: "b", rows: dpo },
  ]);
  expect(charts.map(({ title, series }) => [title, series.map(({ name, y }) => [name, y])])).toEqual([
    [
      "Loss, supervised",
      [
        ["a", [2, 1]],
        ["a, held out", [1.5]],
      ],
    ],
    ["Loss, preference", [["b", [0.69, 0.6]]]],
    ["Reward margin", [["b", [0]]]],
  ]);
});

test("numbers are shown short and durations in words", () => {
  expect([0.5819, null, Number.NaN].map((rate) => percent(rate))).toEqual(["58.2%", "n/a", "n/a"]);
  expect([0, 0.0123, 1234, 5e-7, -0.25].map(compact)).toEqual(["0", "0.0123", "1,234", "5e-7", "-0.25"]);
  expect([0.04, 59.7, 125, 3840].map(duration)).toEqual(["0.0 s", "1 min 00 s", "2 min 05 s", "1 h 04 min"]);
  expect(ticks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(ticks(0.11, 0.29, 4)).toEqual([0.15, 0.2, 0.25]);
  expect(html`${"<a href=\"x\" title='y'>&`"}`.markup).toBe("&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;&#96;");
  expect(html`${"a<b"}${null}${3}`.markup).toBe("a&lt;b3");
});
