import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cpythonRandom, evaluateItems, planTask, scoreTokens, type TextRequest, type TextScore, truthfulqa } from "@zephyr/eval";
import { loadModel, requestDevice } from "@zephyr/train-webgpu";
import { localScore } from "../../packages/cli/src/evaluation/local-score.ts";
import { json } from "./files.ts";
import type { Measured } from "./measured.ts";

const fixtures = join(import.meta.dirname, "../../packages/train-webgpu/fixtures");

/** TruthfulQA's requests against the hash that lm-evaluation-harness's own tests hold. */
export async function truthfulQa(): Promise<Measured[]> {
  const rows = json<Record<string, unknown>[]>("lm_eval/truthfulqa_mc_task.json.gz");
  const { tasks } = json<{ tasks: { task: string; requests_sha256: string }[] }>("lm_eval/request_hash_oracle.json");
  const expected = tasks.find(({ task }) => task === "truthfulqa_mc")!.requests_sha256;
  const { requests, requests_sha256 } = planTask({ task: truthfulqa, rows });
  return [
    {
      what: `SHA-256 of ${requests} requests: ${requests_sha256.slice(0, 16)}, published ${expected.slice(0, 16)}; 1 if they differ`,
      measured: requests_sha256 === expected ? 0 : 1,
      bar: 0,
    },
  ];
}

interface RandomGoldens {
  seed_int_42: { random_first_5: number[]; shuffle_range_817_first_20: number[]; then_sample_range_1119_k_25: number[] };
  seed_int_1234: Record<string, number[]>;
  seed_string_choices_False_True: { seed: string; random: number }[];
}

/** CPython's generator against values that CPython drew. */
export async function cpython(): Promise<Measured[]> {
  const golden = json<RandomGoldens>("rng/cpython_random.json");
  const range = (n: number) => Array.from({ length: n }, (_, i) => i);
  const doubles = cpythonRandom(42);
  const shuffler = cpythonRandom(42);
  const order = range(817);
  shuffler.shuffle(order);
  const sampler = cpythonRandom(1234);
  const a = golden.seed_int_42;
  const pairs: [number[], number[]][] = [
    [range(5).map(() => doubles.random()), a.random_first_5],
    [order.slice(0, 20), a.shuffle_range_817_first_20],
    [shuffler.sample(range(1119), 25), a.then_sample_range_1119_k_25],
    ...(
      ["sample_range_1119_k_25", "second_sample_range_1119_k_25", "sample_range_39905_k_10", "sample_range_20_k_5"] as const
    ).map((name): [number[], number[]] => [
      sampler.sample(range(Number(/range_(\d+)/.exec(name)![1])), Number(/k_(\d+)/.exec(name)![1])),
      golden.seed_int_1234[name]!,
    ]),
    ...golden.seed_string_choices_False_True.map(({ seed, random }): [number[], number[]] => [
      [cpythonRandom(seed).random()],
      [random],
    ]),
  ];
  const differing = pairs.filter(([ours, theirs]) => JSON.stringify(ours) !== JSON.stringify(theirs)).length;
  return [{ what: `CPython draws that differ, of ${pairs.length} lists`, measured: differing, bar: 0 }];
}

interface Golden {
  items: { style: string; context: string; choices: string[]; continuations: string[]; gold: number; loglikelihood: number[] }[];
  aggregate: Record<string, Record<string, number>>;
}

/** Log-likelihoods and accuracies of the reference model, computed on this machine's adapter, against lm-eval 0.4.13. */
export async function lmEval(): Promise<Measured[]> {
  const { items, aggregate }: Golden = JSON.parse(
    readFileSync(join(import.meta.dirname, "../../packages/cli/test/fixtures/multiple_choice.json"), "utf8"),
  );
  const device = await requestDevice();
  using policy = await loadModel(device, join(fixtures, "mistral"));
  using local = localScore(policy, 2048);
  const score: TextScore = scoreTokens({
    tokenizer: policy.tokenizer!,
    score: local.score,
    maxLength: policy.config.maxPositionEmbeddings,
  });
  const requests = items.flatMap(({ context, continuations }) =>
    continuations.map((continuation): TextRequest => ({ context, continuation })),
  );
  const ours = await score(requests);
  const theirs = items.flatMap(({ loglikelihood }) => loglikelihood);
  const worst = Math.max(...ours.map(({ logLikelihood }, i) => Math.abs(logLikelihood - theirs[i]!)));
  const results = await evaluateItems(
    items.map(({ style, ...item }) => ({ ...item, task: style })),
    score,
  );
  const differing = Object.entries(aggregate).flatMap(([task, metrics]) =>
    Object.entries(metrics).filter(
      ([name, value]) => Math.abs((results.find((one) => one.task === task)![name] as number) - value) > 1e-12,
    ),
  ).length;
  return [
    { what: `log-likelihoods, ${ours.length} requests, largest error`, measured: worst, bar: 1e-3, unit: "nats" },
    { what: "acc, acc_norm and their errors that differ", measured: differing, bar: 0 },
  ];
}
