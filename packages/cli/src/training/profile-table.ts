import type { KernelProfile, Roof } from "@zephyr/train-webgpu";

/** Kernels that together take this share of the time are shown one by one. */
const SHOWN_SHARE = 0.995;

/** Time, arithmetic and traffic of each kernel, against what the adapter reaches at most. */
export function profileTable(profiles: readonly KernelProfile[], roof: Roof): string[] {
  const total = profiles.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const share = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)}%`;
  const rate = (amount: number, seconds: number, most: number): string =>
    amount === 0 ? "-" : `${(amount / seconds / 1e9).toFixed(1)} (${share(amount / seconds, most)})`;
  const row = (cells: string[]): string =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(34) : cell.padStart([0, 9, 11, 7, 17, 17][i]!))).join("");
  const head = row(["kernel", "launches", "ms", "time", "GFLOP/s (roof)", "GB/s (roof)"]);
  const rows: string[] = [];
  let shown = 0;
  let [others, launches] = [0, 0];
  for (const { kernel, launches: count, milliseconds, flops, bytes } of profiles) {
    if (shown > SHOWN_SHARE * total) {
      others += milliseconds;
      launches += count;
      continue;
    }
    shown += milliseconds;
    const seconds = milliseconds / 1000;
    const rates = [rate(flops, seconds, roof.flopsPerSecond), rate(bytes, seconds, roof.bytesPerSecond)];
    rows.push(row([kernel, String(count), milliseconds.toFixed(2), share(milliseconds, total), ...rates]));
  }
  if (launches > 0) rows.push(row(["others", String(launches), others.toFixed(2), share(others, total), "", ""]));
  const { flopsPerSecond, bytesPerSecond } = roof;
  const measured = `the adapter's roof, measured: ${(flopsPerSecond / 1e9).toFixed(1)} GFLOP/s, ${(bytesPerSecond / 1e9).toFixed(1)} GB/s; bytes count each operand once`;
  return [head, ...rows, measured];
}
