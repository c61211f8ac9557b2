import { expect, it } from "vitest";
import { profileTable } from "./profile-table.ts";

it("shows kernels by time, with their share of the roof, and sums up what hardly counts", () => {
  const profiles = [
    { kernel: "matmul nt", launches: 10, milliseconds: 900, flops: 9e9, bytes: 1.8e9 },
    { kernel: "rope forward", launches: 4, milliseconds: 97, flops: 0, bytes: 9.7e8 },
    { kernel: "norm", launches: 2, milliseconds: 2, flops: 0, bytes: 0 },
    { kernel: "squares", launches: 3, milliseconds: 1, flops: 0, bytes: 0 },
  ];
  const lines = profileTable(profiles, { flopsPerSecond: 40e9, bytesPerSecond: 20e9 });
  expect(lines.map((line) => line.trim().split(/ {2,}/))).toEqual([
    ["kernel", "launches", "ms", "time", "GFLOP/s (roof)", "GB/s (roof)"],
    ["matmul nt", "10", "900.00", "90.0%", "10.0 (25.0%)", "2.0 (10.0%)"],
    ["rope forward", "4", "97.00", "9.7%", "-", "10.0 (50.0%)"],
    ["others", "5", "3.00", "0.3%"],
    ["the adapter's roof, measured: 40.0 GFLOP/s, 20.0 GB/s; bytes count each operand once"],
  ]);
});
