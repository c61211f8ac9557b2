/** What a case must reach on the software adapter: a ratio to the better of jax-js and tfjs, or Zephyr's time over PyTorch's. */
export interface CaseBar {
  case: RegExp;
  against: "javascript" | "torch-cpu";
  bar: number;
  aim: number;
}

export const CASE_BARS: CaseBar[] = [
  { case: /^matmul_(512|1024)_/, against: "javascript", bar: 3, aim: 5 },
  { case: /^attn_fwdbwd_1,8,256,64$/, against: "javascript", bar: 3, aim: 6 },
  { case: /^train_step_2,128,4,384,512,2,64$/, against: "javascript", bar: 3, aim: 5 },
  { case: /^train_step_2,128,4,384,512,2,64$/, against: "torch-cpu", bar: 15, aim: 8 },
];

/** A number of Zephyr alone, from the lines of one run by case; at most `bar`. */
export interface Measure {
  name: string;
  unit: string;
  cases: string[];
  of: (values: number[]) => number;
  bar: number;
  aim?: number;
}

export const MEASURES: Measure[] = [
  {
    name: "first step, empty shader cache",
    unit: "s",
    cases: ["first_step_cold"],
    of: ([ms]) => ms! / 1000,
    bar: 40,
    aim: 15,
  },
  {
    name: "time per token, 2,048 against 256 tokens a sequence",
    unit: "times",
    cases: ["time_per_token_2048", "time_per_token_256"],
    of: ([long, short]) => long! / short!,
    bar: 1.6,
    aim: 1.3,
  },
  {
    name: "peak memory when the sequence doubles",
    unit: "times",
    cases: ["peak_memory_T2048", "peak_memory_T1024"],
    of: ([long, short]) => long! / short!,
    bar: 2.1,
  },
  {
    name: "peak memory when the vocabulary grows 8 times",
    unit: "MiB more",
    cases: ["peak_memory_V32768", "peak_memory_V4096"],
    of: ([large, small]) => large! - small!,
    bar: 256,
  },
];
