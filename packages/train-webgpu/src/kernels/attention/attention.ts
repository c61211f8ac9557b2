import { type Tape, workOfEach } from "../../plan/tape.ts";
import type { Sizes, Tensor } from "../../plan/tensor.ts";
import { type KernelTarget, rowGroups, withPrelude } from "../prelude/prelude.ts";
import delta from "./attention.delta.wgsl" with { type: "text" };
import { attentionForward } from "./forward.wgsl.ts";
import { attentionKeyGradient } from "./key-gradient.wgsl.ts";
import { attentionQueryGradient } from "./query-gradient.wgsl.ts";
import { keyShares } from "./rows.wgsl.ts";

export { tileRows } from "./rows.wgsl.ts";

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
  // Of each pair of rows, 2 D operations for every product that the kernel makes of them: scores and outputs, or their gradients.
  const work = (products: number, operands: number) => (s: Sizes) => ({
    flops: 2 * headDim * products * heads * s.attended,
    bytes: 4 * headDim * operands * heads * s.tokens,
  });
  tape.run(attentionForward(target, headDim), [q, k, v, tiles, o, lse], params, (s) => [s.tiles, heads], work(2, 4));
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
      workOfEach((s) => rows(s) * headDim, { flops: 2, words: 2 }),
    );
    const dq = tape.gradientTarget(q);
    if (dq) {
      tape.run(
        attentionQueryGradient(target, headDim),
        [q, k, v, dO, stats, tiles, dq.tensor],
        params,
        (s) => [s.tiles, heads],
        work(3, 5),
      );
    }
    if (!k.needsGradient && !v.needsGradient) return;
    // Under LoRA one of the two may want no gradient; the kernel writes both.
    const dk = tape.gradientTarget(k)?.tensor ?? tape.temporary("unused dk", k.bytes);
    const dv = tape.gradientTarget(v)?.tensor ?? tape.temporary("unused dv", v.bytes);
    tape.run(
      attentionKeyGradient(target, headDim),
      [q, k, v, dO, stats, tiles, dk, dv],
      params,
      (s) => [s.tiles * keyShares(target, headDim), keyValueHeads],
      work(4, 6),
    );
  });
  return o;
}

/** Tiles of rows for the kernels: (sequence start, first row, sequence end, 0) for every `rows` rows of every sequence. */
export function attentionTiles(sequenceOffsets: Uint32Array, rows: number): Uint32Array<ArrayBuffer> {
  const tiles: number[] = [];
  for (let s = 0; s + 1 < sequenceOffsets.length; s++) {
    const start = sequenceOffsets[s]!;
    const end = sequenceOffsets[s + 1]!;
    for (let row = start; row < end; row += rows) tiles.push(start, row, end, 0);
  }
  return Uint32Array.from(tiles);
}
