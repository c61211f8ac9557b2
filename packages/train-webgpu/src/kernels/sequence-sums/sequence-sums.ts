import type { Tape } from "../../plan/tape.ts";
import type { Tensor } from "../../plan/tensor.ts";
import { type KernelTarget, rowGroups, withPrelude } from "../prelude/prelude.ts";
import source from "./sequence-sums.wgsl" with { type: "text" };

export interface SequenceSumsInputs {
  /** [S + 1] first labelled row of each sequence. */
  rowOffsets: Tensor;
  /** [N] of 4 floats. */
  rowStats: Tensor;
  rowWeights: Tensor;
  logCollision: Tensor;
  maxSequences: number;
}

export interface SequenceSums {
  /** [S] of 4 floats: the weighted sum of log-probabilities, and the sums of mean logits, entropies and correct predictions. */
  sums: Tensor;
  /** [S] sums of log-probability minus log-collision, unweighted. */
  adjusted: Tensor;
}

/** Sums over the labelled tokens of each sequence. */
export function sequenceSums(tape: Tape, target: KernelTarget, inputs: SequenceSumsInputs): SequenceSums {
  const { rowOffsets, rowStats, rowWeights, logCollision, maxSequences } = inputs;
  const sums = tape.temporary("sequence sums", maxSequences * 16);
  const adjusted = tape.temporary("adjusted sums", maxSequences * 4);
  tape.run(
    withPrelude(target, "sequence sums", source),
    [rowOffsets, rowStats, rowWeights, logCollision, sums, adjusted],
    (s) => ({ sequences: s.sequences }),
    (s) => [rowGroups(target, s.sequences)],
    (s) => ({ flops: 7 * s.labelled, bytes: 24 * (s.labelled + s.sequences) }),
  );
  return { sums, adjusted };
}
