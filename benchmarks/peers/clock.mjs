// What every stack's script does in the same way, in JavaScript that an older Node runs too: operands and timed rounds.

/**
 * `count` numbers below 1 in size, the same in every run.
 * @param {number} count
 * @param {number} seed
 * @returns {Float32Array<ArrayBuffer>}
 */
export function uniform(count, seed) {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/**
 * `count` token ids below `vocabulary`, the same in every run.
 * @param {number} count
 * @param {number} vocabulary
 * @param {number} seed
 * @returns {Uint32Array<ArrayBuffer>}
 */
export const randomIds = (count, vocabulary, seed) =>
  Uint32Array.from(uniform(count, seed), (value) => Math.min(Math.floor(((value + 1) / 2) * vocabulary), vocabulary - 1));

/**
 * x [N, C] and a head [V, C] whose logits spread by about 1, and the targets [N], of the log-probability cases.
 * @param {{ rows: number, width: number, vocabulary: number }} size
 */
export const logpsOperands = ({ rows, width, vocabulary }) => ({
  x: uniform(rows * width, 1),
  head: uniform(vocabulary * width, 2).map((value) => (value * 3) / Math.sqrt(width)),
  targets: randomIds(rows, vocabulary, 3),
});

/**
 * Calls `once` twice to warm up, then `rounds` times by the clock; `once` ends when the device has. Times in ms, the shortest first.
 * @template T
 * @param {number} rounds
 * @param {() => Promise<T>} once
 * @returns {Promise<{ times: number[], last: T | undefined }>}
 */
export async function clock(rounds, once) {
  for (let i = 0; i < 2; i++) await once();
  const times = [];
  let last;
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    last = await once();
    times.push(performance.now() - start);
  }
  return { times: times.sort((a, b) => a - b), last };
}

/** @param {number} value */
export const rounded = (value) => Number(value.toFixed(4));
