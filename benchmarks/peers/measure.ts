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
  for (let i = 0; i < 2; i++) await once();
  const times: number[] = [];
  let loss: number | undefined;
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    loss = await once();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const median = times[rounds >> 1]!;
  return {
    case: name,
    ms_median: rounded(median / per),
    ms_min: rounded(times[0]! / per),
    ...(flops !== undefined && { gflops: rounded(flops / median / 1e6) }),
    ...(loss !== undefined && { loss: rounded(loss) }),
  };
}

export const rounded = (value: number): number => Number(value.toFixed(4));

/** `count` numbers below 1 in size, the same in every run. */
export function uniform(count: number, seed: number): Float32Array<ArrayBuffer> {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** `count` token ids below `vocabulary`, the same in every run. */
export const randomIds = (count: number, vocabulary: number, seed: number): Uint32Array<ArrayBuffer> =>
  Uint32Array.from(uniform(count, seed), (value) => Math.min(Math.floor(((value + 1) / 2) * vocabulary), vocabulary - 1));
