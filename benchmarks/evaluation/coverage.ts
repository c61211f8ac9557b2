import {
  bootstrap,
  clusteredInterval,
  cpythonRandom,
  meanInterval,
  pairedDifference,
  rateInterval,
  wilsonEnds,
  winRate,
} from "@zephyr/eval";
import type { Measured } from "./measured.ts";

type Draw = () => { lo: number; hi: number };

/** How often 95% intervals of simulated samples hold the truth. */
export async function coverage(): Promise<Measured[]> {
  const rng = cpythonRandom(11);
  const gauss = () => Math.sqrt(-2 * Math.log(1 - rng.random())) * Math.cos(2 * Math.PI * rng.random());
  const times = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));
  const share = (trials: number, truth: number, draw: Draw) =>
    times(trials, draw).filter(({ lo, hi }) => lo <= truth && truth <= hi).length / trials;
  const result = (p: number) => (rng.random() < 0.2 ? 0.5 : rng.random() < p ? 1 : 0);
  const turns = (n: number) => {
    const questions = times(n, gauss);
    return { values: questions.flatMap((q) => [q + gauss(), q + gauss()]), clusters: questions.flatMap((_, i) => [i, i]) };
  };
  let seed = 0;
  const clustered: Draw = () => {
    const { values, clusters } = turns(80);
    return clusteredInterval(values, clusters);
  };
  const paired: Draw = () => {
    const questions = times(80, gauss);
    return pairedDifference(
      questions.map((q) => 7 + 3 * q + gauss()),
      questions.map((q) => 6.65 + 3 * q + gauss()),
    );
  };
  const fromStandardError: Draw = () => {
    const { win_rate, standard_error, n_total } = winRate(times(200, () => 1 + result(0.9)));
    return wilsonEnds(win_rate / 100, standard_error / 100, n_total);
  };
  const found: [string, number][] = [
    ["mean of 12 uniform values", share(4000, 0.5, () => meanInterval(times(12, () => rng.random())))],
    ["mean over two turns of 80 questions, clustered", share(3000, 0, clustered)],
    ["paired difference of two models on 80 questions", share(3000, 0.35, paired)],
    ...[0.5, 0.8, 0.93].map((p): [string, number] => [
      `win rate with ties, ${p}, 200 prompts`,
      share(3000, 0.1 + 0.8 * p, () => rateInterval(times(200, () => result(p)))),
    ]),
    ["AlpacaEval's win rate from its standard error", share(3000, 0.82, fromStandardError)],
    [
      "bootstrap, mean of 40 values",
      share(1000, 0.5, () =>
        bootstrap(
          times(40, () => rng.random()),
          { seed: seed++, resamples: 500 },
        ),
      ),
    ],
    [
      "bootstrap, clustered, two turns of 50 questions",
      share(1000, 0, () => {
        const { values, clusters } = turns(50);
        return bootstrap(values, { clusters, seed: seed++, resamples: 500 });
      }),
    ],
  ];
  return found.map(([what, measured]) => ({ what: `coverage: ${what}`, measured, least: 0.93, bar: 0.97 }));
}
