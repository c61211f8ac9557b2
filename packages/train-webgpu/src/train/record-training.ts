import type { PreferenceLoss } from "@zephyr/losses";
import { type PreferenceLossTensors, pairWeights, preferenceLoss } from "../kernels/preference-loss/preference-loss.ts";
import { sequenceSums } from "../kernels/sequence-sums/sequence-sums.ts";
import { type DecoderContext, decoder, labelStats } from "../model/decoder.ts";
import type { Policy } from "../model/policy.ts";
import { logitsBytes } from "../model/scorer.ts";
import { allocateStream, type Capacity, freeStream, type StreamTensors } from "../model/stream.ts";
import { createTape, type Dispatch } from "../plan/tape.ts";
import type { Tensor } from "../plan/tensor.ts";
import { allocate } from "../plan/upload.ts";
import type { Trainables } from "./trainables.ts";

/** Variants of preference training that change what the loss is given. */
export interface PairOptions {
  /** Weight of the tokens beyond the shorter completion's length (LD-DPO). */
  ldAlpha?: number | undefined;
  /** Weigh pairs by the policy's confidence in them (WPO). */
  useWeighting?: boolean | undefined;
}

export interface RecordingOptions {
  policy: Policy;
  trainables: Trainables;
  capacity: Capacity;
  checkpointing: boolean;
  /** A loss that carries WGSL runs on the device; another one in TypeScript, with one read-back. */
  loss?: PreferenceLoss | undefined;
  pairOptions?: PairOptions | undefined;
}

/** The pairs of a batch on the device. */
export type PairTensors = Omit<PreferenceLossTensors, "sums">;

/** The launches of a training step, by phase, and the tensors that they read and write. */
export interface TrainingRecording extends Disposable {
  stream: StreamTensors;
  pairs: PairTensors;
  /** [S] of 4 floats: what each sequence sums up to. */
  sums: Tensor;
  /** [S] sums of log-probability minus the log of the sum of squared probabilities. */
  adjusted: Tensor;
  phases: { forward: Dispatch[]; loss: Dispatch[]; backward: Dispatch[] };
  /** Whether the loss runs on the device. */
  onDevice: boolean;
}

/** Records forward, loss and backward for batches up to a capacity. Nothing is compiled, nothing runs. */
export function recordTraining({
  policy,
  trainables,
  capacity,
  checkpointing,
  loss,
  pairOptions = {},
}: RecordingOptions): TrainingRecording {
  const { device, config } = policy;
  const stream = allocateStream(device, capacity, policy.inverseFrequencies);
  const pairs = allocatePairs(policy, capacity, stream.labels.sequenceGradient);
  const tape = createTape();
  const context: DecoderContext = {
    target: device,
    config,
    stream,
    weight: trainables.weight,
    lowRank: trainables.lowRank,
    checkpointing,
  };
  const rowStats = labelStats(tape, context, decoder(tape, context), logitsBytes(policy));
  const { rowOffsets, labels } = stream;
  const { rowWeights, logCollision } = labels;
  const maxSequences = capacity.sequences;
  const { sums, adjusted } = sequenceSums(tape, device, { rowOffsets, rowStats, rowWeights, logCollision, maxSequences });
  const forward = tape.dispatches.splice(0);
  const onDevice = loss?.wgsl !== undefined;
  if (onDevice && pairOptions.useWeighting) pairWeights(tape, { adjusted, ...pairs });
  if (onDevice) preferenceLoss(tape, loss as PreferenceLoss & { wgsl: string }, { sums, ...pairs }, maxPairs(capacity));
  const lossPhase = tape.dispatches.splice(0);
  tape.backward();
  const backward = tape.dispatches.splice(0);
  return {
    stream,
    pairs,
    sums,
    adjusted,
    phases: { forward, loss: lossPhase, backward },
    onDevice,
    [Symbol.dispose]() {
      freeStream(stream);
      for (const tensor of Object.values(pairs)) if (tensor !== labels.sequenceGradient) tensor.place?.buffer.destroy();
    },
  };
}

const maxPairs = (capacity: Capacity): number => Math.ceil(capacity.sequences / 2);

function allocatePairs({ device }: Policy, capacity: Capacity, sequenceGradient: Tensor): PairTensors {
  const pairs = maxPairs(capacity);
  return {
    sequenceGradient,
    referenceLogps: allocate(device, "reference logps", pairs * 8),
    lengths: allocate(device, "completion lengths", pairs * 8),
    pairWeights: allocate(device, "pair weights", pairs * 4),
    options: allocate(device, "loss options", 128),
    pairResults: allocate(device, "pair results", pairs * 16),
  };
}
