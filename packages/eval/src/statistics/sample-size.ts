import { normalQuantile } from "./distributions.ts";

/**
 * How many questions a paired comparison needs to see a difference: ((z_{1-alpha/2} + z_power) sd / difference)^2,
 * rounded up. `deviation` is the standard deviation of the per-question differences (MT-Bench of two 7B models: about
 * 2 points; win or loss against the same opponent: 0.5). Throws a RangeError unless difference and deviation are above 0.
 * Source: any text on the paired z test, for example Miller 2024, "Adding error bars to evals", section 5.
 *
 * @example
 * sampleSize({ difference: 0.05, deviation: 0.5 }); // 785 prompts to see a win rate of 55%
 */
export function sampleSize({
  difference,
  deviation,
  level = 0.95,
  power = 0.8,
}: {
  difference: number;
  deviation: number;
  level?: number;
  power?: number;
}): number {
  if (!(difference > 0) || !(deviation > 0))
    throw new RangeError(`sampleSize: difference is ${difference}, deviation is ${deviation}; both must be above 0`);
  const z = normalQuantile((1 + level) / 2) + normalQuantile(power);
  return Math.ceil(((z * deviation) / difference) ** 2);
}
