// Runs under Node, Bun and Deno against the built package.
import { alpacaEval, clusteredInterval, cpythonRandom, meanInterval, report } from "@zephyr/eval";

function check(claim, holds) {
  if (!holds) throw new Error(`smoke: ${claim} does not hold`);
}
const near = (a, b, tolerance = 1e-9) => Math.abs(a - b) <= tolerance;

// 7, 8, 9: mean 8, standard error 1/sqrt(3), t(2) at 97.5% = 4.30265273.
const { mean, standardError, lo, hi } = meanInterval([7, 8, 9]);
check("the mean is 8", mean === 8);
check("the standard error is 1/sqrt(3)", near(standardError, 1 / Math.sqrt(3)));
check("the interval is 8 +- 2.4841", near(hi, 8 + 4.30265272975 / Math.sqrt(3), 1e-8) && near(lo, 16 - hi));

// Two questions with residuals +2 and -2, each counted twice: se = sqrt(2 * (4^2 + 4^2)) / 4 = 2.
check("clusters count once", near(clusteredInterval([8, 8, 4, 4], ["q", "q", "r", "r"]).standardError, 2));

// Win, win, loss, tie, failed: (1 + 1 + 0 + 0.5) / 4 = 62.5%; deviations 0.375, 0.375, -0.625, -0.125, so sd^2 = 0.6875 / 3.
const annotations = [2, 2, 1, 1.5, null].map((preference, i) => ({ instruction: `i${i}`, preference }));
const modelOutputs = ["🙂🙂", "abc", "abcd", "", "a"].map((output, i) => ({ instruction: `i${i}`, output }));
const scored = alpacaEval({ annotations, modelOutputs });
check("the win rate is 62.5", scored.win_rate === 62.5);
check("the standard error is 23.94", near(scored.standard_error, (100 * Math.sqrt(0.6875 / 3)) / 2));
check("the counts are 2, 1, 1 of 4", [scored.n_wins, scored.n_wins_base, scored.n_draws, scored.n_total].join() === "2,1,1,4");
check("the average length is 2 code points", scored.avg_length === 2);

check("CPython's first double of seed 42", cpythonRandom(42).random() === 0.6394267984578837);
check("the report escapes", !report({ title: "<script>" }).includes("<script"));
console.log("ok");
