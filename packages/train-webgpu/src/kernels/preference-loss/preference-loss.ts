import type { PreferenceLoss } from "@zephyr/losses";
import type { Kernel } from "../../plan/pipeline.ts";
import { type Tape, workOfEach } from "../../plan/tape.ts";
import type { Tensor } from "../../plan/tensor.ts";
import pairWeightsSource from "./pair-weights.wgsl" with { type: "text" };
import host from "./preference-loss.wgsl" with { type: "text" };

/** What the loss of a micro-batch reads and writes; B pairs are 2B sequences. */
export interface PreferenceLossTensors {
  /** [2B] of 4 floats; the first is the summed log-probability. */
  sums: Tensor;
  /** [2B] reference log-probabilities, nats. */
  referenceLogps: Tensor;
  /** [2B] completion lengths, tokens. */
  lengths: Tensor;
  /** [B] weights of the pairs, 1 but for WPO. */
  pairWeights: Tensor;
  /** [16] the loss's options. */
  options: Tensor;
  /** [2B] d loss / d log-probability of each sequence. */
  sequenceGradient: Tensor;
  /** [B] of (loss, chosen reward, rejected reward, 0). */
  pairResults: Tensor;
}

/** Evaluates a loss that carries its WGSL on the device. */
export function preferenceLoss(
  tape: Tape,
  loss: PreferenceLoss & { wgsl: string },
  tensors: PreferenceLossTensors,
  maxPairs: number,
): void {
  const { sums, referenceLogps, lengths, pairWeights, options, sequenceGradient, pairResults } = tensors;
  const scratch = tape.temporary("loss scratch", maxPairs * 8 * 4);
  const kernel: Kernel = { name: "preference loss", wgsl: `${host}\n${loss.wgsl}` };
  tape.run(
    kernel,
    [sums, referenceLogps, lengths, pairWeights, options, scratch, sequenceGradient, pairResults],
    (s) => ({ pairs: s.pairs, loss_scale: s.lossScale }),
    (s) => [s.pairs > 0 ? 1 : 0],
    // What a loss computes is its own affair, and a handful of operations: only what it is given and gives back is counted.
    workOfEach((s) => s.pairs, { flops: 0, words: 19 }),
  );
}

/** Weights pairs by how likely the policy itself is to write them, relative to its own certainty (WPO). */
export function pairWeights(
  tape: Tape,
  { adjusted, lengths, pairWeights: weights }: { adjusted: Tensor; lengths: Tensor; pairWeights: Tensor },
): void {
  tape.run(
    { name: "pair weights", wgsl: pairWeightsSource },
    [adjusted, lengths, weights],
    (s) => ({ pairs: s.pairs }),
    (s) => [Math.ceil(s.pairs / 64)],
    workOfEach((s) => s.pairs, { flops: 4, words: 5 }),
  );
}
