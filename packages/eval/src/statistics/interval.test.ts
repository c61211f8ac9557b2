import { expect, test } from "vitest";
import { bootstrap } from "./bootstrap.ts";
import { normalCdf, normalQuantile, studentTQuantile } from "./distributions.ts";
import { clusteredInterval, meanInterval, rateInterval } from "./interval.ts";
import { pairedDifference } from "./paired-difference.ts";
import { sampleSize } from "./sample-size.ts";

test("quantiles equal the printed tables", () => {
  expect(studentTQuantile(0.975, 1)).toBeCloseTo(12.7062047362, 8);
  expect(studentTQuantile(0.975, 4)).toBeCloseTo(2.7764451052, 9);
  expect(studentTQuantile(0.975, 79)).toBeCloseTo(1.9904502102, 9);
  expect(studentTQuantile(0.025, 30)).toBeCloseTo(-2.0422724563, 9);
  expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 12);
  expect(normalCdf(-1.3)).toBeCloseTo(0.09680048458561036, 14);
});

test("meanInterval of 7, 8, 9 is 8 plus or minus 4.3027 / sqrt 3", () => {
  const { mean, standardError, lo, hi } = meanInterval([7, 8, 9]);
  expect(mean).toBe(8);
  expect(standardError).toBeCloseTo(1 / Math.sqrt(3), 14);
  expect(hi - mean).toBeCloseTo(0.95 / Math.sqrt(0.04875) / Math.sqrt(3), 10);
  expect(mean - lo).toBeCloseTo(hi - mean, 12);
});

test("clusteredInterval equals meanInterval when every value is its own cluster, and counts copies once", () => {
  const values = [3, 1, 4, 1, 5, 9, 2, 6];
  const alone = meanInterval(values);
  const single = clusteredInterval(
    values,
    values.map((_, i) => i),
  );
  expect(single.standardError).toBeCloseTo(alone.standardError, 14);
  const doubled = clusteredInterval([...values, ...values], [...values.keys(), ...values.keys()]);
  expect(doubled.standardError).toBeCloseTo(alone.standardError, 14);
  expect(doubled.clusters).toBe(8);
});

test("rateInterval keeps a width when every game was won and equals Wilson's 8 of 10", () => {
  const all = rateInterval(Array.from({ length: 200 }, () => 1));
  expect(all.hi).toBe(1);
  expect(all.lo).toBeGreaterThan(0.97);
  expect(all.lo).toBeLessThan(0.99);
  const wide = rateInterval(Array.from({ length: 4000 }, (_, i) => (i % 10 < 8 ? 1 : 0)));
  expect(wide.lo).toBeCloseTo(0.7873, 3);
  expect(wide.hi).toBeCloseTo(0.8121, 3);
});

test("pairedDifference is negative when b is better and its p-value small when it is always so", () => {
  const { mean, hi, pValue } = pairedDifference([1, 2, 3, 4, 5, 6], [2.1, 2.9, 4.2, 4.8, 6.1, 6.9]);
  expect(mean).toBeCloseTo(-1, 12);
  expect(hi).toBeLessThan(0);
  expect(pValue).toBeLessThan(0.001);
  expect(pairedDifference([1, 2], [1, 2]).pValue).toBe(1);
});

test("bootstrap repeats by seed, differs by seed, and takes any statistic", () => {
  const values = Array.from({ length: 60 }, (_, i) => (i * 37) % 101);
  expect(bootstrap(values, { seed: 3 })).toEqual(bootstrap(values, { seed: 3 }));
  expect(bootstrap(values, { seed: 3 }).lo).not.toBe(bootstrap(values, { seed: 4 }).lo);
  const median = (sample: readonly number[]) => [...sample].sort((x, y) => x - y)[sample.length >> 1]!;
  const { lo, estimate, hi } = bootstrap(values, { statistic: median });
  expect(lo).toBeLessThan(estimate);
  expect(hi).toBeGreaterThan(estimate);
  expect(bootstrap([5, 5, 5]).lo).toBe(5);
});

test("awkward inputs are refused by name and value", () => {
  expect(() => meanInterval([])).toThrow(/no values/);
  expect(() => meanInterval([1, Number.NaN])).toThrow(/value 1 is NaN/);
  expect(() => clusteredInterval([1, 2], ["a"])).toThrow(/2 values but 1 cluster/);
  expect(() => rateInterval([0.5, 1.5])).toThrow(/value 1 is 1.5/);
  expect(() => pairedDifference([1], [1, 2])).toThrow(/a has 1 values, b has 2/);
  expect(() => bootstrap([1])).toThrow(/at least 2/);
  expect(meanInterval([3])).toMatchObject({ mean: 3, lo: -Infinity, hi: Infinity });
});

test("sampleSize asks for 785 prompts to see a win rate of 55%", () => {
  expect(sampleSize({ difference: 0.05, deviation: 0.5 })).toBe(785);
});

test("bootstrap of many values agrees with the t interval and stays quick", () => {
  const values = Array.from({ length: 20_000 }, (_, i) => (i * 7919) % 1000);
  const before = process.threadCpuUsage();
  const { lo, hi } = bootstrap(values, { resamples: 200 });
  // Time on the processor, which other programs do not stretch.
  expect(process.threadCpuUsage(before).user / 1e6).toBeLessThan(10);
  const exact = meanInterval(values);
  expect(Math.abs(lo - exact.lo)).toBeLessThan(2);
  expect(Math.abs(hi - exact.hi)).toBeLessThan(2);
});
