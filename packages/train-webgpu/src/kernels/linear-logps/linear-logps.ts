import { type Tape, workOfEach } from "../../plan/tape.ts";
import type { Sizes, Tensor } from "../../plan/tensor.ts";
import { product } from "../matmul/matmul.ts";
import { elementGroups, type KernelTarget, rowGroups, withPrelude } from "../prelude/prelude.ts";
import gatherRows from "./gather-rows.wgsl" with { type: "text" };
import logitsGradient from "./logits-gradient.wgsl" with { type: "text" };
import logitsStats from "./logits-stats.wgsl" with { type: "text" };
import scatterRows from "./scatter-rows.wgsl" with { type: "text" };

/** The labelled tokens of a batch: N rows, each predicting the token after it. */
export interface LabelInputs {
  /** [N] stream index of each labelled token. */
  rows: Tensor;
  /** [N] id to predict. */
  targets: Tensor;
  /** [T] the row of a token, or 0xffffffff. */
  rowOfToken: Tensor;
  /** [N] sequence that a row belongs to. */
  sequenceOfRow: Tensor;
  /** [N] weight of a row's log-probability in its sequence's sum; 1 but for length-desensitized losses. */
  rowWeights: Tensor;
  /** [N] log of the sum of squared probabilities at each labelled token, written by the forward pass. */
  logCollision: Tensor;
  /** [S] gradient of the loss with respect to each sequence's sum; written before the backward pass. */
  sequenceGradient: Tensor;
}

export interface VocabularyShape {
  width: number;
  vocabulary: number;
  maxTokens: number;
  maxLabelled: number;
  /** Bytes that one chunk of logits may take; more than one chunk are computed twice, so that [N, V] never exists. */
  chunkBytes: number;
}

const roundUp = (count: number): number => Math.ceil(count / 4) * 4;

/** Hidden states of the labelled tokens, [N, C]; the gradient of the other tokens is 0. */
export function gatherLabelled(
  tape: Tape,
  target: KernelTarget,
  hidden: Tensor,
  labels: LabelInputs,
  shape: VocabularyShape,
): Tensor {
  const { width, maxLabelled } = shape;
  const gathered = tape.temporary("labelled hidden", roundUp(maxLabelled) * width * 4, [hidden]);
  const elements = (s: Sizes): number => roundUp(s.labelled) * width;
  tape.run(
    withPrelude(target, "gather rows", gatherRows),
    [labels.rows, hidden, gathered],
    (s) => ({ labelled: s.labelled, elements: elements(s), width }),
    (s) => [elementGroups(elements(s))],
    workOfEach(elements, { flops: 0, words: 2 }),
  );
  tape.onBackward(() => {
    const dgathered = tape.gradientOf(gathered);
    const dhidden = dgathered && tape.gradientTarget(hidden);
    if (!dgathered || !dhidden) return;
    tape.run(
      withPrelude(target, "scatter rows", scatterRows),
      [labels.rowOfToken, dgathered, dhidden.tensor],
      (s) => ({ elements: s.tokens * width, width }),
      (s) => [elementGroups(s.tokens * width)],
      (s) => ({ flops: 0, bytes: 4 * width * (s.labelled + s.tokens) }),
    );
  });
  return gathered;
}

/**
 * Log-probability, mean logit, entropy and correctness of every labelled token, [N] of 4 floats, from x [N, C] and the head
 * W [V, C], without [N, V] in memory: logits exist a chunk of rows at a time and are computed again in the backward pass.
 */
export function linearLogps(
  tape: Tape,
  target: KernelTarget,
  x: Tensor,
  weight: Tensor,
  labels: LabelInputs,
  shape: VocabularyShape,
): Tensor {
  const { width, vocabulary, maxLabelled, chunkBytes } = shape;
  const stride = roundUp(vocabulary);
  const chunkRows = Math.max(4, Math.min(roundUp(maxLabelled), Math.floor(chunkBytes / (stride * 4) / 4) * 4));
  const chunks = Math.max(1, Math.ceil(maxLabelled / chunkRows));
  const lse = tape.temporary("logits lse", maxLabelled * 4);
  const stats = tape.temporary("row stats", maxLabelled * 16, [x, weight]);
  const rowsOf = (chunk: number) => (s: Sizes) => Math.min(chunkRows, Math.max(0, s.labelled - chunk * chunkRows));
  const logitsOf = (chunk: number): Tensor => {
    const logits = tape.temporary(`logits ${chunk}`, chunkRows * stride * 4);
    const counts = { m: rowsOf(chunk), n: () => vocabulary, k: () => width };
    product(tape, target, {
      layout: "nt",
      a: x,
      b: weight,
      c: logits,
      ...counts,
      most: { m: chunkRows, n: vocabulary, k: width },
      strides: { c: stride },
      rowOffset: { a: () => chunk * chunkRows },
    });
    return logits;
  };
  let kept: Tensor | undefined;
  for (let chunk = 0; chunk < chunks; chunk++) {
    const rows = rowsOf(chunk);
    const logits = logitsOf(chunk);
    tape.run(
      withPrelude(target, "logits stats", logitsStats),
      [logits, labels.targets, lse, stats, labels.logCollision],
      (s) => ({ rows: rows(s), vocabulary, stride, row_offset: chunk * chunkRows }),
      (s) => [rowGroups(target, rows(s))],
      // Of each logit its distance to the largest, the exponential, and four sums.
      workOfEach((s) => rows(s) * vocabulary, { flops: 8, words: 1 }),
    );
    if (chunks === 1) kept = logits;
  }
  tape.onBackward(() => {
    const dx = tape.gradientTarget(x);
    const dweight = tape.gradientTarget(weight);
    if (!dx && !dweight) return;
    for (let chunk = 0; chunk < chunks; chunk++) {
      const rows = rowsOf(chunk);
      const padded = (s: Sizes): number => roundUp(rows(s));
      const dlogits = kept ?? logitsOf(chunk);
      tape.run(
        withPrelude(target, "logits gradient", logitsGradient),
        [labels.targets, lse, labels.sequenceOfRow, labels.rowWeights, labels.sequenceGradient, dlogits],
        (s) => ({ rows: rows(s), stored_rows: padded(s), vocabulary, stride, row_offset: chunk * chunkRows }),
        (s) => [rowGroups(target, padded(s))],
        workOfEach((s) => rows(s) * vocabulary, { flops: 4, words: 2 }),
      );
      const first = () => chunk * chunkRows;
      if (dx) {
        const counts = { m: padded, n: () => width, k: () => stride };
        product(tape, target, {
          layout: "nn",
          a: dlogits,
          b: weight,
          c: dx.tensor,
          ...counts,
          most: { m: chunkRows, n: width, k: stride },
          rowOffset: { c: first },
          accumulate: dx.accumulate,
        });
      }
      if (dweight) {
        const accumulate = chunk === 0 ? dweight.accumulate : () => 1;
        const counts = { m: () => vocabulary, n: () => width, k: padded };
        product(tape, target, {
          layout: "tn",
          a: dlogits,
          b: x,
          c: dweight.tensor,
          ...counts,
          most: { m: vocabulary, n: width, k: chunkRows },
          strides: { a: stride },
          rowOffset: { b: first },
          accumulate,
        });
      }
    }
  });
  return stats;
}
