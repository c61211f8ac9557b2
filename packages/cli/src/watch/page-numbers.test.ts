import { describe, expect, it } from "vitest";
import { otherCharts } from "./page/charts.js";
import { diff } from "./page/diff.js";
import { compact, dollars, duration, extent, lowerBound, nearest, part, smooth, thin, ticks } from "./page/scale.js";

describe("smooth", () => {
  it("is TensorBoard's mean without bias to the start", () => {
    expect(smooth([4, 4, 4], 0.9)).toEqual([4, 4, expect.closeTo(4, 12)]);
    // By hand: m = 0.5 * 0.5 * 1 + 0.5 * 3 = 1.75 over a weight of 0.75.
    expect(smooth([1, 3], 0.5)[1]).toBeCloseTo(1.75 / 0.75, 12);
    expect(smooth([1, 3, 2], 0)).toEqual([1, 3, 2]);
  });
});

describe("places in a list of steps", () => {
  it("are found at, between and beyond its elements", () => {
    const steps = [10, 20, 40];
    expect([5, 10, 11, 40, 41].map((step) => lowerBound(steps, step))).toEqual([0, 0, 1, 2, 3]);
    expect([0, 14, 15, 16, 99].map((step) => nearest(steps, step))).toEqual([0, 0, 0, 1, 2]);
    expect(nearest([], 3)).toBe(-1);
  });

  it("are cut to a range with a point on either side", () => {
    const series = { x: [1, 2, 3, 4, 5, 6], y: [1, 2, 3, 4, 5, 6] };
    expect(part(series, 3, 4).x).toEqual([2, 3, 4]);
    expect(part(series, 2.5, 3.5).x).toEqual([2, 3, 4]);
    expect(part(series, 0, 9)).toEqual(series);
  });
});

describe("thin", () => {
  it("keeps few points, and every extreme of a column", () => {
    const x = Array.from({ length: 10_000 }, (_, i) => i);
    const y = x.map((i) => (i === 7777 ? 50 : i === 3333 ? -50 : Math.sin(i)));
    const kept = thin({ x, y }, 100);
    expect(kept.x.length).toBeLessThanOrEqual(200);
    expect(kept.x).toEqual(kept.x.toSorted((a, b) => a - b));
    expect([Math.max(...kept.y), Math.min(...kept.y)]).toEqual([50, -50]);
    expect(thin({ x: [1, 2], y: [3, 4] }, 100)).toEqual({ x: [1, 2], y: [3, 4] });
  });
});

describe("axes", () => {
  it("have a margin, do not sink below zero for what never does, and a range around one value", () => {
    const [low, high] = extent([0.1, 1]);
    expect(low).toBeCloseTo(0.046, 12);
    expect(high).toBeCloseTo(1.054, 12);
    expect(extent([0, 1])[0]).toBe(0);
    expect(extent([-1, 1])[0]).toBeLessThan(-1);
    expect(extent([])).toEqual([0, 1]);
    const [below, above] = extent([0.5, 0.5]);
    expect(below).toBeLessThan(0.5);
    expect(above).toBeGreaterThan(0.5);
    expect(extent([0, 0])[1]).toBeGreaterThan(0);
  });

  it("have round ticks inside the range", () => {
    expect(ticks(0, 1, 4)).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(ticks(0.61, 0.72, 4)).toEqual([0.65, 0.7]);
    expect(ticks(1, 400, 5)).toEqual([100, 200, 300, 400]);
    expect(ticks(0, 5e-7, 4)).toEqual([0, 2e-7, 4e-7]);
  });
});

describe("numbers as text", () => {
  it("have few digits", () => {
    expect([0, 0.123456, -0.0123456, 1234.5, 5e-7, 2.126e-7, 123_456_789].map(compact)).toEqual([
      "0",
      "0.1235",
      "-0.01235",
      "1,235",
      "5e-7",
      "2.13e-7",
      "1.23e8",
    ]);
    expect([0, 59.4, 59.6, 3599, 3600, 90_000].map(duration)).toEqual([
      "0 s",
      "59 s",
      "1 min 00 s",
      "59 min 59 s",
      "1 h 00 min",
      "1 d 1 h",
    ]);
  });
});

describe("dollars", () => {
  it("show cents, and less where there is less", () => {
    expect([0, 0.01234, 1, 1234.5].map(dollars)).toEqual(["$0.00", "$0.0123", "$1.00", "$1,234.50"]);
  });
});

describe("diff", () => {
  const shown = (before: string, after: string): string =>
    diff(before, after)
      .map(({ kind, text }) => ({ same: text, new: `+${text}+`, gone: `-${text}-` })[kind])
      .join("");

  it("tells words that came and went from those that stayed", () => {
    expect(shown("The sky is blue.", "The sky is very blue.")).toBe("The sky is+ very+ blue.");
    expect(shown("a b c", "a x c")).toBe("a- b-+ x+ c");
    expect(shown("", "new")).toBe("+new+");
    expect(shown("gone", "")).toBe("-gone-");
    expect(shown("wie schön, 世界!", "wie schön, 世界!")).toBe("wie schön, 世界!");
  });

  it("has the whole of both texts in it, by the longest common subsequence, also of texts too long to compare", () => {
    const text = (n: number, of: string[]): string =>
      Array.from({ length: n }, (_, i) => of[(i * 7 + (i >> 2)) % of.length]).join(" ");
    for (const [before, after] of [
      [text(60, ["a", "b", "c"]), text(50, ["b", "c", "d"])],
      ["  x\ny\t z ", "x y\n\nz"],
      [text(3000, ["a", "b"]), text(3000, ["c", "d"])],
    ] as const) {
      const pieces = diff(before, after);
      const side = (kind: string): string =>
        pieces
          .filter((piece) => piece.kind === "same" || piece.kind === kind)
          .map(({ text }) => text)
          .join("");
      expect(side("new")).toBe(after);
      expect(side("gone")).toBe(before);
    }
  });
});

describe("otherCharts", () => {
  it("gives each metric without a chart of its own one, together with its held-out form", () => {
    const charts = otherCharts(["loss", "eval_loss", "epoch", "entropy", "eval_entropy", "logps/chosen"]);
    expect(charts.map(({ title }) => title)).toEqual(["entropy", "logps/chosen"]);
    expect(charts[0]!.lines.map(({ key }) => key)).toEqual(["entropy", "eval_entropy"]);
  });
});
