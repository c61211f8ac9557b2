import { philox } from "./philox.ts";

/** Which numbers: the user's seed, what they are for (so that two uses never share any), and how far into them to start. */
export interface StreamOptions {
  seed: number;
  stream: string;
  /** Numbers to skip. */
  offset?: number;
}

/**
 * Random 32-bit words, in order.
 *
 * Throws `RangeError` for a seed that is no whole number from 0 to 2^53 - 1.
 */
export function words({ seed, stream, offset = 0 }: StreamOptions): () => number {
  const key = seedKey(seed);
  const [streamLow, streamHigh] = streamWords(stream);
  let next = offset;
  let block: number[] = [];
  let blockIndex = -1;
  return () => {
    const index = Math.floor(next / 4);
    if (index !== blockIndex) {
      blockIndex = index;
      block = philox([index >>> 0, Math.floor(index / 2 ** 32), streamLow, streamHigh], key);
    }
    return block[next++ % 4]!;
  };
}

function seedKey(seed: number): [number, number] {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`random: seed is ${seed}; give a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`);
  }
  return [seed >>> 0, Math.floor(seed / 2 ** 32)];
}

/** 64 bits of a name (FNV-1a, from two starting values). */
function streamWords(stream: string): [number, number] {
  const hash = (start: number) => {
    let state = start;
    for (const byte of new TextEncoder().encode(stream)) state = Math.imul(state ^ byte, 0x01000193);
    return state >>> 0;
  };
  return [hash(0x811c9dc5), hash(0x5bd1e995)];
}

/**
 * Random numbers in [0, 1), 32 bits each; draw k is the same whatever was drawn before it.
 *
 * @example const random = uniforms({ seed: 0, stream: "dropout" }); random();
 */
export function uniforms(options: StreamOptions): () => number {
  const next = words(options);
  return () => next() / 2 ** 32;
}

/**
 * Random numbers of the standard normal distribution.
 *
 * Box and Muller (1958): the pair r cos(2 pi u2), r sin(2 pi u2) with r = sqrt(-2 ln u1). The same on every machine to the last bit or
 * so: `Math.log`, `Math.cos` and `Math.sin` are not the same to the bit in every JavaScript engine.
 */
export function normals(options: StreamOptions): () => number {
  const offset = options.offset ?? 0;
  // A pair of normals takes a pair of words, so an odd offset starts in the middle of a pair.
  const next = words({ ...options, offset: offset - (offset % 2) });
  let spare: number | undefined;
  const draw = () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log((next() + 0.5) / 2 ** 32));
    const angle = (2 * Math.PI * next()) / 2 ** 32;
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  if (offset % 2 === 1) draw();
  return draw;
}
