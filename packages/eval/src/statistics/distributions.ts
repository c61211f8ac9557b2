/**
 * Standard normal distribution function, to double precision for |x| below 8.
 * Source: Marsaglia 2004, "Evaluating the normal distribution".
 */
export function normalCdf(x: number): number {
  if (x < -8) return 0;
  if (x > 8) return 1;
  let sum = x;
  let term = x;
  for (let k = 3; sum + term !== sum; k += 2) {
    term *= (x * x) / k;
    sum += term;
  }
  return 0.5 + (sum * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI);
}

/** The x with normalCdf(x) = p. Throws a RangeError unless 0 < p < 1. */
export function normalQuantile(p: number): number {
  return quantile(p, normalCdf, "normalQuantile");
}

/** Student's t distribution function with `df` degrees of freedom. */
export function studentTCdf(t: number, df: number): number {
  const tail = 0.5 * regularizedBeta(df / (df + t * t), df / 2, 0.5);
  return t > 0 ? 1 - tail : tail;
}

/**
 * The t with studentTCdf(t, df) = p: 12.706 for p = 0.975 and one degree of freedom.
 * Throws a RangeError unless 0 < p < 1 and df > 0.
 */
export function studentTQuantile(p: number, df: number): number {
  if (!(df > 0)) throw new RangeError(`studentTQuantile: df is ${df}; it must be above 0`);
  return quantile(p, (t) => studentTCdf(t, df), "studentTQuantile");
}

function quantile(p: number, cdf: (x: number) => number, name: string): number {
  if (!(p > 0 && p < 1)) throw new RangeError(`${name}: p is ${p}; it must lie strictly between 0 and 1`);
  if (p === 0.5) return 0;
  if (p < 0.5) return -quantile(1 - p, cdf, name);
  let lo = 0;
  let hi = 1;
  while (cdf(hi) < p && hi < 1e300) hi *= 2;
  for (let i = 0; i < 200 && lo < hi; i++) {
    const middle = (lo + hi) / 2;
    if (middle === lo || middle === hi) break;
    if (cdf(middle) < p) lo = middle;
    else hi = middle;
  }
  return (lo + hi) / 2;
}

/** Regularized incomplete beta function I_x(a, b). Source: DLMF 8.17.22, the continued fraction, by Lentz's method. */
export function regularizedBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - regularizedBeta(1 - x, b, a);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a;
  let c = 1;
  let d = 1 / (1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m < 1000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / (1 + even * d);
    c = 1 + even / c;
    fraction *= c * d;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + odd * d);
    c = 1 + odd / c;
    fraction *= c * d;
    if (Math.abs(c * d - 1) < 1e-15) break;
  }
  return front * fraction;
}

/** log Gamma(x) for x > 0: Stirling's series after shifting x above 10. */
export function logGamma(x: number): number {
  let shift = 0;
  let z = x;
  for (; z < 10; z++) shift += Math.log(z);
  const r = 1 / (z * z);
  const series = (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r / 1188)))) / z;
  return (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series - shift;
}
