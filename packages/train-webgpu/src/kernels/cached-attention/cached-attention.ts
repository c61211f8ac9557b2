import { type Tape, workOfEach } from "../../plan/tape.ts";
import type { Tensor } from "../../plan/tensor.ts";
import type { AttentionShape } from "../attention/attention.ts";
import { elementGroups, type KernelTarget, rowGroups, withPrelude } from "../prelude/prelude.ts";
import { cachedAttentionKernel } from "./cached-attention.wgsl.ts";
import writeCache from "./write-cache.wgsl" with { type: "text" };

/** The key-value cache of one layer: rows of `keyValueHeads` x `headDim` floats, each sequence's side by side. */
export interface LayerCache {
  keys: Tensor;
  values: Tensor;
  /** [T] the cache row of each token of the stream. */
  rows: Tensor;
}

/** Writes the stream's keys and values into the cache, then attends from its queries to their sequences' rows there; forward only. */
export function cachedAttention(
  tape: Tape,
  target: KernelTarget,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  tiles: Tensor,
  cache: LayerCache,
  shape: Omit<AttentionShape, "maxTokens">,
): Tensor {
  const { heads, keyValueHeads, headDim, window } = shape;
  const width = keyValueHeads * headDim;
  for (const [from, to] of [
    [k, cache.keys],
    [v, cache.values],
  ] as const) {
    tape.run(
      withPrelude(target, "write cache", writeCache),
      [cache.rows, from, to],
      (s) => ({ elements: s.tokens * width, width }),
      (s) => [elementGroups(s.tokens * width)],
      workOfEach((s) => s.tokens * width, { flops: 0, words: 2 }),
    );
  }
  const o = tape.temporary("attention", q.bytes);
  tape.run(
    cachedAttentionKernel(target, headDim),
    [q, cache.keys, cache.values, tiles, o],
    (s) => ({
      tiles: s.tiles,
      heads,
      group: heads / keyValueHeads,
      window: window ?? 0x7fff_ffff,
      scale: 1 / Math.sqrt(headDim),
    }),
    (s) => [rowGroups(target, s.tiles), heads],
    (s) => ({
      flops: 4 * headDim * heads * s.attended,
      bytes: 8 * headDim * (heads * s.tokens + keyValueHeads * s.cached),
    }),
  );
  return o;
}
