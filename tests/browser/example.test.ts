import { join } from "node:path";
import { requestDevice } from "@zephyr/train-webgpu";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { align } from "../../examples/browser/align.ts";
import { bundleForBrowser } from "../../examples/browser/bundle.ts";
import { type ServedPage, servePage } from "../../examples/browser/serve.ts";
import { type Chromium, findChromium, startChromium } from "./chromium.ts";
import type { Page } from "./devtools.ts";
import { preferenceSteps } from "./preference-steps.ts";

const path = findChromium();
const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 400, height: 800 };
const STEPS = 4;
/** Two adapters sum in different orders; what is measured is below 1e-6. */
const TOLERANCE = 2e-5;

type Metrics = Record<string, number>;

/** The first steps of the page's own run, under Node. */
async function stepsUnderNode(): Promise<Metrics[]> {
  using device = await requestDevice();
  const stop = new AbortController();
  const metrics: Metrics[] = [];
  for await (const event of align(device, stop.signal)) {
    if (event.kind === "step") metrics.push(event.step.metrics);
    if (metrics.length === STEPS) break;
  }
  return metrics;
}

/** Largest distance of two runs in one metric. */
const distance = (a: readonly Metrics[], b: readonly Metrics[], name: string): number =>
  Math.max(...a.map((metrics, i) => Math.abs(metrics[name]! - b[i]![name]!)));

const state = (page: Page): Promise<string> => page.evaluate("document.body.dataset.state");

describe.skipIf(path === undefined)("examples/browser (skipped where there is no Chromium; CHROMIUM_PATH names one)", () => {
  let served: ServedPage;
  let chromium: Chromium;
  beforeAll(async () => {
    [served, chromium] = await Promise.all([servePage(0), startChromium(path!)]);
  });
  afterAll(async () => {
    await chromium?.[Symbol.asyncDispose]();
    await served?.[Symbol.asyncDispose]();
  });

  it("trains in the tab from the keyboard, with the losses of the same run under Node, and stops", async () => {
    const page = await chromium.devtools.open(served.url, WIDE);
    await page.waitFor("document.body.dataset.state === 'ready'", 30);
    await page.evaluate("steps = []; document.addEventListener('zephyr-step', ({ detail }) => steps.push(detail)); 0");
    // The link to the run, then the button.
    await page.press("Tab");
    await page.press("Tab");
    expect(await page.evaluate("document.activeElement.id")).toBe("start");
    await page.press("Enter");
    await page.waitFor(`steps.length >= ${STEPS}`, 90);
    const inTab = await page.evaluate<{ stage: string; step: number; metrics: Metrics }[]>(`steps.slice(0, ${STEPS})`);
    expect(await state(page)).toBe("running");
    await page.evaluate("document.getElementById('stop').focus()");
    await page.press("Enter");
    await page.waitFor("document.body.dataset.state === 'stopped'", 30);

    expect(inTab.map(({ stage, step }) => `${stage} ${step}`)).toEqual(Array.from({ length: STEPS }, (_, i) => `dSFT ${i + 1}`));
    const underNode = await stepsUnderNode();
    expect(inTab.map(({ metrics }) => metrics["num_tokens"])).toEqual(underNode.map((metrics) => metrics["num_tokens"]));
    const metrics = inTab.map((step) => step.metrics);
    for (const name of ["loss", "grad_norm"]) expect(distance(metrics, underNode, name), name).toBeLessThan(TOLERANCE);
    expect(await page.evaluate("document.querySelector('figure svg').getAttribute('aria-label')")).toMatch(
      /^dSFT loss: from 6\.\d+ at step 1/,
    );
    expect(
      await page.evaluate("document.querySelectorAll('figure polyline.raw')[0].getAttribute('points').split(' ').length"),
    ).toBeGreaterThanOrEqual(STEPS);
    expect(page.complaints).toEqual([]);
    await page.close();
  });

  it("gives dDPO's losses, rewards and gradient norms of a run under Node", async () => {
    const { outputFiles } = await bundleForBrowser(join(import.meta.dirname, "preference-steps.ts"), {
      format: "iife",
      globalName: "tab",
    });
    const page = await chromium.devtools.open(served.url, WIDE);
    await page.evaluate(`${outputFiles[0]!.text}; globalThis.tab = tab; 0`);
    const inTab = await page.evaluate<{ adapter: string; steps: Metrics[] }>("tab.preferenceSteps()");
    const underNode = await preferenceSteps();
    expect(inTab.adapter).toMatch(/swiftshader/i);
    expect(inTab.steps).toHaveLength(8);
    for (const steps of [inTab.steps, underNode.steps]) {
      expect(steps[0]!["loss"]).toBeCloseTo(Math.log(2), 6);
      expect(steps.at(-1)!["rewards/margins"]).toBeGreaterThan(0.01);
    }
    for (const name of ["loss", "rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies", "grad_norm"])
      expect(distance(inTab.steps, underNode.steps, name), name).toBeLessThan(TOLERANCE);
    expect(page.complaints).toEqual([]);
    await page.close();
  });

  it("is readable at 400 px: nothing is wider than the window", async () => {
    const page = await chromium.devtools.open(served.url, NARROW);
    await page.waitFor("document.body.dataset.state === 'ready'", 30);
    expect(await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")).toBe(0);
    expect(
      await page.evaluate("Number.parseFloat(getComputedStyle(document.querySelector('.what')).fontSize)"),
    ).toBeGreaterThanOrEqual(14);
    await page.close();
  });

  it("says what is missing and how to get it where the browser has no WebGPU adapter", async () => {
    await using without = await startChromium(path!, { webgpu: false });
    const page = await without.devtools.open(served.url, NARROW);
    await page.waitFor("document.body.dataset.state === 'missing'", 30);
    const text = await page.evaluate<string>("document.getElementById('missing').innerText");
    expect(text).toContain("no adapter was found");
    expect(text).toContain("chrome://gpu");
    expect(await page.evaluate("document.getElementById('start').disabled")).toBe(true);
    expect(await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")).toBe(0);
  });
});
