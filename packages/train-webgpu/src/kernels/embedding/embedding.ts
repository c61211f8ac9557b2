import { bytesOf, formatOf, rowSlabs } from "../../plan/slabs.ts";
import { type Tape, workOfEach } from "../../plan/tape.ts";
import type { Sizes, Tensor } from "../../plan/tensor.ts";
import { packedScales } from "../packed/packed.wgsl.ts";
import { elementGroups, type KernelTarget, rowGroups, withPrelude } from "../prelude/prelude.ts";
import clear from "./clear.wgsl" with { type: "text" };
import backward from "./embedding.backward.wgsl" with { type: "text" };
import { embeddingKernel } from "./forward.wgsl.ts";

/** The tokens of a batch, and the same tokens sorted by id for the gradient. */
export interface EmbeddingInputs {
  ids: Tensor;
  distinctIds: Tensor;
  distinctOffsets: Tensor;
  orderById: Tensor;
}

/** Rows of the table [V, width], in any storage format, for the ids [T]: y [T, width]. */
export function embedding(
  tape: Tape,
  target: KernelTarget,
  inputs: EmbeddingInputs,
  table: Tensor,
  width: number,
  maxTokens: number,
): Tensor {
  const y = tape.temporary("embedding", maxTokens * width * 4, [table]);
  const elements = (sizes: Sizes): number => sizes.tokens * width;
  const slabs = rowSlabs(table, width, target.maxBindingBytes);
  // Ids are taken to be spread evenly over the slabs.
  const vocabulary = slabs.reduce((sum, { rows }) => sum + rows, 0);
  for (const { tensor, firstRow, rows } of slabs) {
    tape.run(
      embeddingKernel(target, formatOf(table)),
      [inputs.ids, tensor, y, ...packedScales(tensor)],
      (s) => ({ elements: elements(s), width, first_row: firstRow, rows }),
      (s) => [elementGroups(elements(s))],
      (s) => ({ flops: 0, bytes: (bytesOf(formatOf(table), elements(s)) + 4 * elements(s)) * (rows / vocabulary) }),
    );
  }
  tape.onBackward(() => {
    const dy = tape.gradientOf(y);
    const dtable = dy && tape.gradientTarget(table);
    if (!dy || !dtable) return;
    for (const { tensor, firstRow, rows } of rowSlabs(dtable.tensor, width, target.maxBindingBytes)) {
      const size = tensor.bytes / 4;
      tape.run(
        withPrelude(target, "embedding clear", clear),
        [tensor],
        () => ({ elements: size }),
        (s) => [dtable.accumulate(s) === 1 ? 0 : elementGroups(size)],
        workOfEach(() => size, { flops: 0, words: 1 }),
      );
      tape.run(
        withPrelude(target, "embedding backward", backward),
        [inputs.distinctIds, inputs.distinctOffsets, inputs.orderById, dy, tensor],
        (s) => ({ distinct: s.distinctIds, width, first_row: firstRow, rows }),
        (s) => [rowGroups(target, s.distinctIds)],
        (s) => ({
          flops: elements(s) * (rows / vocabulary),
          bytes: 4 * width * (s.tokens + 2 * s.distinctIds) * (rows / vocabulary),
        }),
      );
    }
  });
  return y;
}

/** Sorts token positions by id, stably: what the gradient kernel walks. */
export function sortById(ids: Uint32Array): {
  distinctIds: Uint32Array<ArrayBuffer>;
  offsets: Uint32Array<ArrayBuffer>;
  order: Uint32Array<ArrayBuffer>;
} {
  const order = Uint32Array.from(ids.keys()).sort((a, b) => ids[a]! - ids[b]! || a - b);
  const distinct: number[] = [];
  const offsets: number[] = [];
  order.forEach((token, index) => {
    if (index > 0 && ids[token] === ids[order[index - 1]!]) return;
    distinct.push(ids[token]!);
    offsets.push(index);
  });
  offsets.push(order.length);
  return { distinctIds: Uint32Array.from(distinct), offsets: Uint32Array.from(offsets), order };
}
