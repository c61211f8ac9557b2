// Float64 primitives that stay finite and exact where the textbook form overflows or cancels.

/** log σ(x), finite for every finite x: min(x, 0) - log(1 + e^-|x|). */
export function logSigmoid(x: number): number {
  return Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)));
}

/** σ(x) = 1 / (1 + e^-x), without overflow on either side. */
export function sigmoid(x: number): number {
  const tail = Math.exp(-Math.abs(x));
  return (x >= 0 ? 1 : tail) / (1 + tail);
}

/** log(1 - e^x) for x < 0 (a log-probability), accurate at both ends (Mächler 2012, "Accurately computing log(1 - exp(-|a|))"). */
export function log1mExp(x: number): number {
  return x > -Math.LN2 ? Math.log(-Math.expm1(x)) : Math.log1p(-Math.exp(x));
}
