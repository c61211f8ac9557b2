import type { Tape } from "../../plan/tape.ts";
import type { Tensor } from "../../plan/tensor.ts";
import { type KernelTarget, rowGroups, withPrelude } from "../prelude/prelude.ts";
import source from "./sequence-sums.wgsl" with { type: "text" };

/** Per sequence: the weighted sum of log-probabilities, and the sums of mean logits, entropies and correct predictions; [S] of 4 floats. */
export function sequenceSums(
  tape: Tape,
  target: KernelTarget,
  {
    rowOffsets,
    rowStats,
    rowWeights,
    maxSequences,
  }: { rowOffsets: Tensor; rowStats: Tensor; rowWeights: Tensor; maxSequences: number },
): Tensor {
  const sums = tape.temporary("sequence sums", maxSequences * 16);
  const kernel = withPrelude(target, "sequence sums", source);
  tape.run(
    kernel,
    [rowOffsets, rowStats, rowWeights, sums],
    (s) => ({ sequences: s.sequences }),
    (s) => [rowGroups(target, s.sequences)],
  );
  return sums;
}
