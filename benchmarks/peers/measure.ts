import { clock, rounded } from "./clock.mjs";

/** One printed line: a time in milliseconds or memory in MiB. */
export interface Measurement {
  case: string;
  ms_median?: number;
  ms_min?: number;
  gflops?: number;
  mib?: number;
  /** Nats per token, or of a preference pair, of the last round. */
  loss?: number;
  /** Mean log-probability of a token, nats: what every stack must agree on. */
  logp?: number;
  /** L2 norm of all gradients together, which every stack must agree on. */
  grad_norm?: number;
}

export function reportTo(adapter: string): (measurement: Measurement) => void {
  return (measurement) => console.log(JSON.stringify({ peer: "zephyr", ...measurement, adapter }));
}

export interface Timing {
  rounds: number;
  /** Floating-point operations of one round. */
  flops?: number;
  /** Divides the times, e.g. the tokens of a step. */
  per?: number;
}

/** Calls `once` twice to warm up, then `rounds` times by the clock; `once` ends when the device has, and may return a loss. */
export async function time(
  name: string,
  { rounds, flops, per = 1 }: Timing,
  once: () => Promise<number | undefined>,
): Promise<Measurement> {
  const { times, last: loss } = await clock(rounds, once);
  const median = times[rounds >> 1]!;
  return {
    case: name,
    ms_median: rounded(median / per),
    ms_min: rounded(times[0]! / per),
    ...(flops !== undefined && { gflops: rounded(flops / median / 1e6) }),
    ...(loss !== undefined && { loss: rounded(loss) }),
  };
}
