import { expect, test } from "vitest";
import { cpythonRandom } from "./cpython-random.ts";

test("an integer seed gives CPython's doubles, shuffle and sample", () => {
  const rng = cpythonRandom(42);
  expect([rng.random(), rng.random()]).toEqual([0.6394267984578837, 0.025010755222666936]);
  const order = Array.from({ length: 817 }, (_, i) => i);
  const shuffler = cpythonRandom(42);
  shuffler.shuffle(order);
  expect(order.slice(0, 5)).toEqual([740, 724, 678, 632, 237]);
  expect(
    shuffler.sample(
      Array.from({ length: 1119 }, (_, i) => i),
      3,
    ),
  ).toHaveLength(3);
  expect(
    cpythonRandom(1234)
      .sample([...Array(1119).keys()], 25)
      .slice(0, 6),
  ).toEqual([902, 239, 15, 185, 71, 171]);
});

test("a string seed hashes its UTF-8 bytes, also outside the basic plane", () => {
  expect(cpythonRandom("is_switched_outputshello0").random()).toBe(0.3703273324920633);
  expect(cpythonRandom("is_switched_outputsnaïve café 🙂0").random()).toBe(0.9773658323123096);
});

test("a fractional seed and an oversized sample are refused", () => {
  expect(() => cpythonRandom(1.5)).toThrow(/seed is 1.5/);
  expect(() => cpythonRandom(0).sample([1, 2], 3)).toThrow(/k is 3/);
});
