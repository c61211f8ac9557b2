import { spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { serveWatch, type WatchServer } from "../../packages/cli/src/watch/watch-server.ts";
import { type Chromium, findChromium, startChromium } from "./chromium.ts";
import { contrastsOf } from "./contrast.ts";
import type { Page } from "./devtools.ts";

const path = findChromium();
const HOSTILE = "<img src=x onerror=\"document.title='broken'\">\u202Egnp.exe";

const line = (value: object): string => `${JSON.stringify(value)}\n`;
const began = Date.now() / 1000 - 60;
/** Ahead of time, so that a slow machine does not let it grow old. */
const mark = () => ({ pid: process.pid, host: hostname(), began, updated: Date.now() / 1000 + 3600 });
const counts = (answered: number, cost_usd: number) => ({
  answered,
  resumed: 0,
  failed: 1,
  total: 20,
  prompt_tokens: 1200,
  completion_tokens: 50,
  cost_usd,
  waits_seconds: 30,
});
const report = (done: number, more: object = {}): object => ({
  command: "complete",
  output: "completions.jsonl",
  status: "running",
  ...mark(),
  rows: { done, failed: 1, duplicates: 0, total: 10 },
  requests: counts(2 * done, 0),
  tokens: { prompt: 1200, completion: 50 },
  cost_usd: done / 4,
  projected_cost_usd: 2.5,
  budget_usd: 3,
  rows_per_second: 0.5,
  seconds_left: 90,
  warnings: { [HOSTILE]: 2 },
  models: { small: counts(2 * done, done / 4), [HOSTILE]: counts(0, 0) },
  ...more,
});
const stage = (name: string, command: string, status: string, more: object = {}) => ({
  name,
  command,
  status,
  rows: 10,
  ...more,
});
const recipe = (more: object = {}): object => ({
  command: "align",
  status: "running",
  ...mark(),
  stages: [
    stage("prepare", "prepare", "done", { seconds: 3 }),
    stage("complete", "complete", "running", { began, requests: 20, cost_usd: [1.5, 4] }),
    stage(HOSTILE, "dpo", "to do", { rows: null, steps: 60 }),
  ],
  ...more,
});
const sample = (step: number, completion: string, prompt_id = "sky", prompt: unknown = "Why is the sky blue?"): string =>
  line({ step, prompt_id, prompt, completion, finish_reason: "stop" });

describe.skipIf(path === undefined)("what zephyr watch's page shows besides curves (skipped without a Chromium)", () => {
  let chromium: Chromium;
  let folder: string;
  let server: WatchServer;
  let page: Page;
  const put = (name: string, value: object): void => {
    writeFileSync(join(folder, `${name}.new`), JSON.stringify(value));
    renameSync(join(folder, `${name}.new`), join(folder, name));
  };
  const textOf = (selector: string): Promise<string> => page.evaluate<string>(`document.querySelector('${selector}').innerText`);
  const hasText = (selector: string, text: string): Promise<void> =>
    page.waitFor(`document.querySelector('${selector}')?.innerText.includes(${JSON.stringify(text)})`, 10);
  beforeAll(async () => {
    chromium = await startChromium(path!, { webgpu: false });
  });
  afterAll(() => chromium?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "zephyr-watch-"));
    put("completions.jsonl.progress.json", report(4));
    put("progress.json", recipe());
    mkdirSync(join(folder, "dpo"));
    put("dpo/trainer_state.json", {});
    writeFileSync(join(folder, "dpo/log_history.jsonl"), [1, 2, 3, 4].map((step) => line({ step, loss: 1 / step })).join(""));
    writeFileSync(
      join(folder, "dpo/samples.jsonl"),
      sample(0, "sky sky") + sample(2, "The sky is blue.") + sample(4, "The sky is very blue."),
    );
    server = await serveWatch({ folders: [folder], port: 0, seconds: 0.05, onFault: () => {} });
    page = await chromium.devtools.open(server.url, { width: 1280, height: 900 });
    await page.waitFor("document.querySelector('#samples .said') && document.querySelector('#feedback td')", 20);
    return async () => {
      await page.close();
      await server[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    };
  });

  it("feedback: rows, cost against the budget and time left go on; what was killed is told from what ended", async () => {
    const job = "#feedback > li";
    for (const text of [
      "completions.jsonl",
      "complete: running",
      "5 of 10 rows · 1 failed · 8 of 20 answers · 0.5 rows/s · 1 min 30 s left",
      "$1.00 of $3.00 · about $2.50 in all",
      "small, waits 30 s",
      "1,200",
      "1 warning",
    ])
      expect(await textOf(job)).toContain(text);
    const bars = () =>
      page.evaluate<number[]>("[...document.querySelectorAll('#feedback progress')].map(({ value, max }) => value / max)");
    expect(await bars()).toEqual([0.5, expect.closeTo(1 / 3, 12)]);
    expect(await page.evaluate("document.title")).toBe("50% completions.jsonl");

    put("completions.jsonl.progress.json", report(8, { projected_cost_usd: 3.5 }));
    await hasText(job, "9 of 10 rows");
    expect(await textOf(job)).toContain("more than the budget");
    expect(await bars()).toEqual([0.9, expect.closeTo(2 / 3, 12)]);
    // A process that has ended without saying so.
    put("completions.jsonl.progress.json", report(8, { pid: spawnSync(process.execPath, ["-e", ""]).pid }));
    await hasText(job, "stopped; --resume goes on");
    put("completions.jsonl.progress.json", report(9, { status: "pending", reason: `budget: ${HOSTILE}`, budget_usd: null }));
    await hasText(job, "waits to be resumed");
    expect(await textOf(job)).toContain("budget: <img");
    expect(await textOf(job)).toContain("$2.25 spent");
    // Another job joins.
    put("rated.jsonl.progress.json", report(10, { command: "rate", status: "done" }));
    await page.waitFor("document.querySelectorAll('#feedback > li').length === 2", 10);
    expect(page.complaints).toEqual([]);
  });

  it("align: its stages, with what the plan says of those to come", async () => {
    const shown = await textOf("#recipes");
    expect(shown).toMatch(/prepare\s+done in 3 s/);
    expect(shown).toMatch(/complete\s+running, \d+ min \d\d s/);
    for (const text of ["20 requests · $1.50 to $4.00", "60 steps", "to do"]) expect(shown).toContain(text);
    expect(await page.evaluate("document.querySelector('#recipes [aria-current=step] b').textContent")).toBe("complete");
    put("progress.json", recipe({ status: "failed", reason: "the disk is full" }));
    await hasText("#recipes", "the disk is full");
    expect(page.complaints).toEqual([]);
  });

  it("samples: the newest, what changed is marked; steps are walked with the keyboard, and the newest is followed", async () => {
    const said = () => textOf("#samples .said");
    const marked = (tag: string) =>
      page.evaluate(`[...document.querySelectorAll('#samples ${tag}')].map((mark) => mark.textContent)`);
    expect(await textOf("#samples .turn")).toBe("Why is the sky blue?");
    expect(await said()).toBe("The sky is very blue.");
    expect(await marked("ins")).toEqual([" very"]);
    expect(await textOf("#samples .note")).toBe("step 4 · changes since step 2 are marked");
    expect(await textOf("#sample-shown")).toBe("4, the newest");
    await page.evaluate("document.getElementById('sample-step').focus()");
    await page.press("ArrowLeft");
    await hasText("#samples .said", "The sky is blue.");
    await page.evaluate("document.getElementById('sample-earlier').click()");
    expect(await said()).toBe("sky sky");
    expect(await marked("ins")).toEqual([]);
    expect(await page.evaluate("document.getElementById('sample-earlier').disabled")).toBe(true);

    // Who looks at an old step is left there.
    appendFileSync(join(folder, "dpo/samples.jsonl"), sample(6, "The sky is blue."));
    await page.waitFor("document.getElementById('sample-step').max === '3'", 10);
    expect(await said()).toBe("sky sky");
    await page.evaluate(
      "for (const _ of [1, 2, 3]) document.getElementById('sample-later').click(); document.getElementById('sample-removed').click()",
    );
    expect(await marked("del")).toEqual([" very"]);
    appendFileSync(join(folder, "dpo/samples.jsonl"), sample(8, "The sky is blue."));
    await hasText("#samples .note", "step 8 · as at step 6");
    // Off with the run's curves.
    await page.evaluate("document.querySelector('#run-0 input').click()");
    await page.waitFor("document.getElementById('samples-section').hidden", 10);
    expect(page.complaints).toEqual([]);
  });

  it("what a model or a file says is text, also where it looks like markup or turns the writing round", async () => {
    appendFileSync(
      join(folder, "dpo/samples.jsonl"),
      sample(4, `${HOSTILE} ${"long".repeat(200)}`, HOSTILE, [{ role: HOSTILE, content: HOSTILE }]),
    );
    writeFileSync(join(folder, `${HOSTILE.replaceAll("/", "")}.progress.json`), JSON.stringify(report(1, { command: HOSTILE })));
    await page.waitFor(
      "document.querySelectorAll('#samples > li').length === 2 && document.querySelectorAll('#feedback > li').length === 2",
      10,
    );
    expect(await page.evaluate("[...document.querySelectorAll('.said')].map((text) => text.textContent.slice(0, 4))")).toContain(
      "<img",
    );
    expect(await page.evaluate("document.querySelectorAll('img').length")).toBe(0);
    expect(await page.evaluate("document.title")).not.toBe("broken");
    expect(await page.evaluate("getComputedStyle(document.querySelector('.said')).unicodeBidi")).toBe("isolate");
    expect(page.complaints).toEqual([]);
  });

  it("is readable at 400 px, in light and dark, with contrast, and reached with Tab", async () => {
    put("completions.jsonl.progress.json", report(9, { status: "failed", reason: "r", projected_cost_usd: 9 }));
    await hasText("#feedback", "failed");
    await page.evaluate("document.getElementById('sample-removed').click()");
    appendFileSync(join(folder, "dpo/samples.jsonl"), sample(6, `The sky was ${"x".repeat(500)}`));
    await page.waitFor("document.querySelector('#samples del')", 10);
    await page.resize({ width: 400, height: 800 });
    await page.waitFor("document.documentElement.clientWidth <= 400", 10);
    expect(await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")).toBe(0);
    for (const theme of ["light", "dark"]) {
      await page.waitFor(`document.documentElement.dataset.theme === '${theme}' || document.getElementById('theme').click()`, 5);
      const texts = [
        "ins",
        "del",
        ".said",
        ".reason",
        "#feedback .state",
        "#feedback .steps",
        "td",
        "thead th",
        "#recipes .note",
      ];
      for (const [i, contrast] of (await contrastsOf(page, texts)).entries())
        expect(contrast, `${texts[i]}, ${theme}`).toBeGreaterThan(4.5);
    }
    const reached: string[] = [];
    await page.evaluate("document.activeElement.blur()");
    for (let i = 0; i < 20 && reached.at(-1) !== "sample-removed"; i++) {
      await page.press("Tab");
      reached.push(
        await page.evaluate<string>(
          "document.activeElement.id || document.activeElement.className || document.activeElement.tagName",
        ),
      );
    }
    expect(reached).toEqual(expect.arrayContaining(["scroller", "SUMMARY", "sample-earlier", "sample-step", "sample-removed"]));
    expect(page.complaints).toEqual([]);
  });
});
