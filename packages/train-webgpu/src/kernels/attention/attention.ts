import type { Tape } from "../../plan/tape.ts";
import type { Sizes, Tensor } from "../../plan/tensor.ts";
import { elementGroups, type KernelTarget, rowGroups, rowsPerWorkgroup, withPrelude } from "../prelude/prelude.ts";
import delta from "./attention.delta.wgsl" with { type: "text" };
import { attentionForward, attentionKeyGradient, attentionQueryGradient, split, TILE_ROWS } from "./attention.wgsl.ts";
import writeCache from "./write-cache.wgsl" with { type: "text" };

export interface AttentionShape {
  heads: number;
  keyValueHeads: number;
  headDim: number;
  /** Query i sees keys j with i - window < j <= i. */
  window?: number | undefined;
  maxTokens: number;
}

/** Causal attention inside each sequence of the stream: q [T, H, D]; k, v [T, K, D] to o [T, H, D]. */
export function attention(
  tape: Tape,
  target: KernelTarget,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  tiles: Tensor,
  shape: AttentionShape,
): Tensor {
  const { heads, keyValueHeads, headDim, window, maxTokens } = shape;
  const o = tape.temporary("attention", q.bytes, [q, k, v]);
  const lse = tape.temporary("log-sum-exp", maxTokens * heads * 4);
  const params = (sizes: Sizes) => ({
    tiles: sizes.tiles,
    heads,
    group: heads / keyValueHeads,
    window: window ?? 0x7fff_ffff,
    scale: 1 / Math.sqrt(headDim),
  });
  const groups = (sizes: Sizes, pieces: number): number => Math.ceil((sizes.tiles * pieces) / rowsPerWorkgroup(target));
  const forwardPieces = split(target, headDim, "forward");
  tape.run(attentionForward(target, headDim), [q, k, v, tiles, o, lse], params, (s) => [groups(s, forwardPieces), heads]);
  tape.onBackward(() => {
    const dO = tape.gradientOf(o);
    if (!dO) return;
    const stats = tape.temporary("attention stats", maxTokens * heads * 8);
    const rows = (sizes: Sizes): number => sizes.tokens * heads;
    tape.run(
      withPrelude(target, "attention delta", delta),
      [dO, o, lse, stats],
      (s) => ({ rows: rows(s), width: headDim }),
      (s) => [rowGroups(target, rows(s))],
    );
    const dq = tape.gradientTarget(q);
    if (dq) {
      const pieces = split(target, headDim, "query-gradient");
      tape.run(attentionQueryGradient(target, headDim), [q, k, v, dO, stats, tiles, dq.tensor], params, (s) => [
        groups(s, pieces),
        heads,
      ]);
    }
    if (!k.needsGradient && !v.needsGradient) return;
    // Under LoRA one of the two may want no gradient; the kernel writes both.
    const dk = tape.gradientTarget(k)?.tensor ?? tape.temporary("unused dk", k.bytes);
    const dv = tape.gradientTarget(v)?.tensor ?? tape.temporary("unused dv", v.bytes);
    const pieces = split(target, headDim, "key-gradient");
    tape.run(attentionKeyGradient(target, headDim), [q, k, v, dO, stats, tiles, dk, dv], params, (s) => [
      groups(s, pieces),
      keyValueHeads,
    ]);
  });
  return o;
}

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
  shape: AttentionShape,
): Tensor {
  const { heads, keyValueHeads, headDim, window, maxTokens } = shape;
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
    );
  }
  const o = tape.temporary("attention", q.bytes);
  const lse = tape.temporary("log-sum-exp", maxTokens * heads * 4);
  tape.run(
    attentionForward(target, headDim, 1),
    [q, cache.keys, cache.values, tiles, o, lse],
    (s) => ({
      tiles: s.tiles,
      heads,
      group: heads / keyValueHeads,
      window: window ?? 0x7fff_ffff,
      scale: 1 / Math.sqrt(headDim),
    }),
    (s) => [Math.ceil(s.tiles / rowsPerWorkgroup(target)), heads],
  );
  return o;
}

/** Tiles of rows for the kernels: (sequence start, first row, sequence end, 0) for every TILE_ROWS rows of every sequence. */
export function attentionTiles(sequenceOffsets: Uint32Array): Uint32Array<ArrayBuffer> {
  const tiles: number[] = [];
  for (let s = 0; s + 1 < sequenceOffsets.length; s++) {
    const start = sequenceOffsets[s]!;
    const end = sequenceOffsets[s + 1]!;
    for (let row = start; row < end; row += TILE_ROWS) tiles.push(start, row, end, 0);
  }
  return Uint32Array.from(tiles);
}
