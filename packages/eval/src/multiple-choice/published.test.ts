import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { cpythonRandom } from "../random/cpython-random.ts";
import { evaluateTask, planTask } from "./evaluate-task.ts";
import type { TextScore } from "./score.ts";
import { truthfulqa } from "./tasks/truthfulqa.ts";

const data = process.env["ZEPHYR_BENCHMARK_DATA"] ?? join(import.meta.dirname, "../../../../../shared/data");
const absent = !existsSync(join(data, "lm_eval"));

describe.skipIf(absent)(`lm-evaluation-harness goldens${absent ? ` (skipped: ${data} is absent)` : ""}`, () => {
  const rows = () => JSON.parse(gunzipSync(readFileSync(join(data, "lm_eval/truthfulqa_mc_task.json.gz"))).toString("utf8"));
  const golden = () =>
    JSON.parse(readFileSync(join(data, "lm_eval/request_hash_oracle.json"), "utf8")).tasks.find(
      (task: { task: string }) => task.task === "truthfulqa_mc",
    );

  test("TruthfulQA's 9,996 requests have the published SHA-256", () => {
    expect(planTask({ task: truthfulqa, rows: rows() })).toMatchObject({
      requests: 9996,
      documents: 817,
      requests_sha256: golden().requests_sha256,
    });
  });

  test("the harness's fixed random model scores mc1 and mc2 as published, standard errors too", async () => {
    const rng = cpythonRandom(42);
    const score: TextScore = async (requests) => requests.map(() => ({ logLikelihood: -rng.random(), isGreedy: false }));
    const result = await evaluateTask({ task: truthfulqa, rows: rows(), score });
    for (const [name, value] of Object.entries(golden().results))
      expect(Math.abs((result[name] as number) - (value as number))).toBeLessThan(1e-12);
  });

  test("CPython's generator: every value of the golden file", () => {
    const golden = JSON.parse(readFileSync(join(data, "rng/cpython_random.json"), "utf8"));
    const range = (n: number) => Array.from({ length: n }, (_, i) => i);
    const a = golden.seed_int_42;
    const doubles = cpythonRandom(42);
    expect(range(5).map(() => doubles.random())).toEqual(a.random_first_5);
    const shuffler = cpythonRandom(42);
    const order = range(817);
    shuffler.shuffle(order);
    expect(order.slice(0, 20)).toEqual(a.shuffle_range_817_first_20);
    expect(order.slice(-3)).toEqual(a.shuffle_range_817_last_3);
    expect(shuffler.sample(range(1119), 25)).toEqual(a.then_sample_range_1119_k_25);
    const b = golden.seed_int_1234;
    const sampler = cpythonRandom(1234);
    expect(sampler.sample(range(1119), 25)).toEqual(b.sample_range_1119_k_25);
    expect(sampler.sample(range(1119), 25)).toEqual(b.second_sample_range_1119_k_25);
    expect(sampler.sample(range(39905), 10)).toEqual(b.sample_range_39905_k_10);
    expect(sampler.sample(range(20), 5)).toEqual(b.sample_range_20_k_5);
    for (const { seed, random, choice } of golden.seed_string_choices_False_True) {
      expect(cpythonRandom(seed).random()).toBe(random);
      expect(cpythonRandom(seed).choice([false, true])).toBe(choice);
    }
  });
});
