import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { serveWatch, type WatchServer } from "../../packages/cli/src/watch/watch-server.ts";
import { type Chromium, findChromium, startChromium } from "./chromium.ts";
import { contrastsOf } from "./contrast.ts";
import type { Page } from "./devtools.ts";

const path = findChromium();
const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 400, height: 800 };
const HOSTILE = "<img src=x onerror=\"document.title='broken'\">";

const line = (value: object): string => `${JSON.stringify(value)}\n`;
const step = (at: number): string =>
  line({
    step: at,
    loss: Math.LN2 / at,
    grad_norm: 2,
    learning_rate: 5e-7,
    "rewards/chosen": at / 10,
    "rewards/rejected": -at / 10,
    "rewards/accuracies": 0.75,
    "rewards/margins": at / 5,
    [HOSTILE]: at,
    num_tokens: 100 * at,
    epoch: at / 40,
  });
const time = (at: number): string =>
  line({
    step: at,
    max_steps: 40,
    time: 2 * at,
    samples: 8 * at,
    num_tokens: 100 * at,
    memory_mib: 300,
    ...(at === 0 && { begin: true }),
  });
const steps = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** What a reader sees of a chart: its description, which holds the first and the last value. */
const chart = (page: Page, title: string): Promise<string> =>
  page.evaluate(
    `[...document.querySelectorAll('figure svg')].map((svg) => svg.getAttribute('aria-label')).find((label) => label?.startsWith('${title}. '))`,
  );
const legend = (page: Page, title: string): Promise<string> =>
  page.evaluate(
    `[...document.querySelectorAll('figure')].find((figure) => figure.querySelector('figcaption').textContent === '${title}').querySelector('.legend').innerText`,
  );
const lastTick = (page: Page): Promise<string> =>
  page.evaluate(
    "[...document.querySelectorAll('figure svg > text[text-anchor=middle]')].filter((tick) => tick.closest('figure').querySelector('figcaption').textContent === 'Loss').at(-1).textContent",
  );

describe.skipIf(path === undefined)("zephyr watch's page (skipped where there is no Chromium; CHROMIUM_PATH names one)", () => {
  let chromium: Chromium;
  let folder: string;
  let server: WatchServer;
  let page: Page;
  beforeAll(async () => {
    chromium = await startChromium(path!, { webgpu: false });
  });
  afterAll(() => chromium?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "zephyr-watch-"));
    mkdirSync(join(folder, "dpo"));
    writeFileSync(join(folder, "dpo/log_history.jsonl"), steps(1, 20).map(step).join(""));
    writeFileSync(join(folder, "dpo/timing.jsonl"), steps(0, 20).map(time).join(""));
    server = await serveWatch({ folders: [folder], port: 0, seconds: 0.05, onFault: () => {} });
    page = await chromium.devtools.open(server.url, WIDE);
    await page.waitFor("document.querySelectorAll('figure:not([hidden])').length >= 9", 20);
    return async () => {
      await page.close();
      await server[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    };
  });

  it("draws a run and goes on as its log grows, is cut back, and is joined by another run", async () => {
    expect(await chart(page, "Loss")).toBe("Loss. training: from 0.6931 at step 1 to 0.03466 at step 20.");
    expect(await chart(page, "Rewards")).toBe(
      "Rewards. chosen: from 0.1 at step 1 to 2 at step 20. rejected: from -0.1 at step 1 to -2 at step 20.",
    );
    expect(await chart(page, "Tokens per second")).toBe("Tokens per second. tokens/s: from 50 at step 2 to 50 at step 20.");
    expect(await chart(page, "Samples per second")).toContain("to 4 at step 20");
    const run = await page.evaluate<string>("document.getElementById('runs').innerText");
    for (const text of ["dpo", "running", "Step 20 of 40", "epoch 0.50", "40 s left", "0.75"]) expect(run).toContain(text);

    appendFileSync(join(folder, "dpo/log_history.jsonl"), step(21) + line({ step: 21, eval_loss: 0.25 }));
    appendFileSync(join(folder, "dpo/timing.jsonl"), time(21));
    await page.waitFor("document.getElementById('runs').innerText.includes('Step 21 of 40')", 10);
    await page.waitFor("document.querySelector('figure svg').getAttribute('aria-label').includes('step 21')", 10);
    expect(await chart(page, "Loss")).toContain("held out: from 0.25 at step 21");

    writeFileSync(join(folder, "dpo/log.new"), steps(1, 5).map(step).join(""));
    renameSync(join(folder, "dpo/log.new"), join(folder, "dpo/log_history.jsonl"));
    await page.waitFor("document.querySelector('figure svg').getAttribute('aria-label').includes('at step 5.')", 10);

    mkdirSync(join(folder, "sft"));
    writeFileSync(join(folder, "sft/log_history.jsonl"), line({ step: 1, loss: 3 }) + line({ step: 9, loss: 2 }));
    await page.waitFor(
      "document.querySelector('figure svg').getAttribute('aria-label').includes('sft: from 3 at step 1 to 2 at step 9.')",
      10,
    );
    // Off with the first run's curves.
    await page.evaluate("document.querySelector('#run-0 input').click()");
    await page.waitFor("!document.querySelector('figure svg').getAttribute('aria-label').includes('dpo')", 10);
    expect(
      await page.evaluate("[...document.querySelectorAll('#charts > figure')].filter((figure) => !figure.hidden).length"),
    ).toBe(1);
    expect(page.complaints).toEqual([]);
  });

  it("shows the values under the mouse, zooms where it is dragged, and back", async () => {
    const box = await page.evaluate<{ left: number; top: number; width: number }>(
      "(({ left, top, width }) => ({ left, top, width }))(document.querySelector('figure svg').getBoundingClientRect())",
    );
    // The drawing begins 52 px from the left and ends 12 px from the right; steps 1 to 20 lie in between.
    const at = (wanted: number) => ({ x: box.left + 52 + ((wanted - 1) / 19) * (box.width - 64), y: box.top + 80 });
    await page.mouse([at(4.1)]);
    expect(await legend(page, "Loss")).toMatch(/training\s+0\.1733\s+at 4/);
    expect(await legend(page, "Reward margin")).toMatch(/training\s+0\.8\s+at 4/);
    expect(await lastTick(page)).toBe("20");
    await page.mouse([at(2), at(5), at(8)], { drag: true });
    await page.waitFor("!document.getElementById('reset').disabled", 5);
    expect(await lastTick(page)).toBe("8");
    await page.evaluate("document.getElementById('reset').click()");
    await page.waitFor("document.getElementById('reset').disabled", 5);
    expect(await lastTick(page)).toBe("20");
    expect(page.complaints).toEqual([]);
  });

  it("is used with the keyboard alone", async () => {
    const focused = () =>
      page.evaluate<string>(
        "document.activeElement.id || document.activeElement.closest('figure')?.querySelector('figcaption').textContent || document.activeElement.type || document.activeElement.className",
      );
    const order: string[] = [];
    for (let i = 0; i < 5; i++) {
      await page.press("Tab");
      order.push(await focused());
    }
    expect(order).toEqual(["skip", "theme", "checkbox", "smoothing", "Loss"]);
    await page.press("ArrowLeft");
    expect(await legend(page, "Loss")).toMatch(/0\.03466\s+at 20/);
    await page.press("ArrowLeft");
    expect(await legend(page, "Loss")).toMatch(/0\.03648\s+at 19/);
    await page.press("+");
    await page.waitFor("!document.getElementById('reset').disabled", 5);
    await page.press("Escape");
    await page.waitFor("document.getElementById('reset').disabled", 5);
    expect(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")).toBe("solid");
  });

  it("shows hostile names as text", async () => {
    mkdirSync(join(folder, HOSTILE.replaceAll("/", "")));
    writeFileSync(join(folder, HOSTILE, "log_history.jsonl"), `${step(1)}{"step": 2\n${step(2)}`);
    await page.waitFor("document.querySelectorAll('.name').length === 2", 10);
    await page.evaluate("document.getElementById('others').open = true");
    await page.waitFor(
      `[...document.querySelectorAll('figcaption')].some((caption) => caption.textContent === ${JSON.stringify(HOSTILE)})`,
      10,
    );
    expect(await page.evaluate("[...document.querySelectorAll('.name')].map((name) => name.textContent)")).toContain(HOSTILE);
    expect(await page.evaluate("document.getElementById('runs').innerText")).toContain("1 line of its files could not be read");
    expect(await page.evaluate("document.querySelectorAll('img').length")).toBe(0);
    expect(await page.evaluate("document.title")).not.toBe("broken");
    expect(page.complaints).toEqual([]);
  });

  it("is readable at 400 px, in light and dark, with contrast", async () => {
    await page.resize(NARROW);
    await page.evaluate("document.getElementById('others').open = true");
    await page.waitFor(
      "document.documentElement.clientWidth <= 400 && document.querySelector('figure svg').getBoundingClientRect().width < 380",
      10,
    );
    expect(await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")).toBe(0);
    for (const theme of ["light", "dark"]) {
      await page.waitFor(`document.documentElement.dataset.theme === '${theme}' || document.getElementById('theme').click()`, 5);
      const contrasts = await contrastsOf(page, ["#status", ".steps", "figcaption", ".legend"]);
      // WCAG 2.2, 1.4.3.
      for (const contrast of contrasts) expect(contrast, theme).toBeGreaterThan(4.5);
    }
    expect(page.complaints).toEqual([]);
  });
});
