/** 0.5819 as "58.2%"; "n/a" for null or what is not finite. */
export function percent(rate: number | null | undefined, digits = 1): string {
  return rate === null || rate === undefined || !Number.isFinite(rate) ? "n/a" : (100 * rate).toFixed(digits) + "%";
}

/** A number with three or four significant digits and no exponent where it can be avoided: 0.012, 1,234, 5e-7. */
export function compact(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return "n/a";
  if (value === 0) return "0";
  if (size < 1e-2 || size >= 1e7) return value.toExponential(1).replace(".0e", "e").replace("e+", "e");
  if (size >= 1000) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(size >= 100 ? 4 : 3)));
}

/** Seconds as "0.4 s", "35 s", "2 min 05 s" or "1 h 04 min". */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "n/a";
  if (seconds < 9.95) return seconds.toFixed(1) + " s";
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (n: number) => String(n).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

/** At most `count` + 1 round tick values that lie inside [lo, hi]. */
export function ticks(lo: number, hi: number, count: number): number[] {
  const rough = (hi - lo) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((k) => k * power).find((s) => s >= rough * (1 - 1e-9))!;
  const first = Math.ceil(lo / step - 1e-9);
  const last = Math.floor(hi / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}
