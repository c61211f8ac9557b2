import type { PreferenceBatch, TokenBatch } from "@zephyr/data";
import type { PreferenceLogps, PreferenceLoss, PreferenceLossOutput } from "@zephyr/losses";
import { type PreferenceLossTensors, pairWeights, preferenceLoss } from "../kernels/preference-loss/preference-loss.ts";
import { sequenceSums } from "../kernels/sequence-sums/sequence-sums.ts";
import { type DecoderContext, decoder, labelStats } from "../model/decoder.ts";
import type { Policy } from "../model/policy.ts";
import { logitsBytes } from "../model/scorer.ts";
import {
  allocateStream,
  type Capacity,
  freeStream,
  lengthDesensitizedWeights,
  loadStream,
  type StreamSizes,
} from "../model/stream.ts";
import { createExecutor } from "../plan/executor.ts";
import { createTape } from "../plan/tape.ts";
import { noSizes, type Tensor } from "../plan/tensor.ts";
import { allocate, read, write } from "../plan/upload.ts";
import type { Trainables } from "./trainables.ts";

/** Per sequence [S]: summed log-probability (nats), and sums over labelled tokens of mean logit, entropy, correctness; and their count. */
export interface SequenceResults {
  logps: Float64Array;
  meanLogits: Float64Array;
  entropies: Float64Array;
  correct: Float64Array;
  lengths: Float64Array;
  /** Sums of log-probability minus the log of the sum of squared probabilities. */
  adjusted: Float64Array;
}

/** Variants of preference training that change what the loss is given. */
export interface PairOptions {
  /** Weight of the tokens beyond the shorter completion's length (LD-DPO). */
  ldAlpha?: number | undefined;
  /** Weigh pairs by the policy's confidence in them (WPO). */
  useWeighting?: boolean | undefined;
}

/** Where a micro-batch stands in its optimizer step. */
export interface MicroBatchPlace {
  /** Index in the accumulation window; the first overwrites the gradients of the step before. */
  index: number;
  /** Factor on its loss. */
  lossScale: number;
  /** Which random numbers the adapter's dropout uses; 0, the default, switches it off. */
  dropoutDraw?: number;
}

/** Forward, loss and backward of one micro-batch; the gradients lie on the device afterwards. */
export interface TrainingPlan extends Disposable {
  readonly capacity: Capacity;
  /** Bytes of temporaries and of the batch's own tensors. */
  readonly bytes: number;
  /** Supervised: the loss is -lossScale times the sum of the labelled tokens' log-probabilities. */
  supervised(batch: TokenBatch, place: MicroBatchPlace): Promise<SequenceResults>;
  preference(
    batch: PreferenceBatch,
    loss: PreferenceLoss,
    place: MicroBatchPlace,
  ): Promise<SequenceResults & { output: PairResults }>;
  /** Forward only. */
  evaluate(batch: TokenBatch): Promise<SequenceResults>;
  /** Forward only, with the loss in float64. */
  evaluatePairs(batch: PreferenceBatch, loss: PreferenceLoss): Promise<SequenceResults & { output: PairResults }>;
}

export type PairResults = Pick<PreferenceLossOutput, "loss" | "chosenRewards" | "rejectedRewards">;

export interface TrainingPlanOptions {
  policy: Policy;
  trainables: Trainables;
  capacity: Capacity;
  checkpointing: boolean;
  /** A loss that carries WGSL runs on the device; another one in TypeScript, with one read-back. */
  loss?: PreferenceLoss | undefined;
  pairOptions?: PairOptions | undefined;
}

export async function createTrainingPlan({
  policy,
  trainables,
  capacity,
  checkpointing,
  loss,
  pairOptions = {},
}: TrainingPlanOptions): Promise<TrainingPlan> {
  const { device, config } = policy;
  const stream = allocateStream(device, capacity, policy.inverseFrequencies);
  const pairTensors = allocatePairs(policy, capacity, stream.labels.sequenceGradient);
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
  const { sums, adjusted } = sequenceSums(tape, device, {
    rowOffsets,
    rowStats,
    rowWeights,
    logCollision,
    maxSequences: capacity.sequences,
  });
  const forward = tape.dispatches.splice(0);
  const onDevice = loss?.wgsl !== undefined;
  if (onDevice && pairOptions.useWeighting) pairWeights(tape, { adjusted, ...pairTensors });
  if (onDevice) preferenceLoss(tape, loss as PreferenceLoss & { wgsl: string }, { sums, ...pairTensors }, maxPairs(capacity));
  const lossPhase = tape.dispatches.splice(0);
  tape.backward();
  const backward = tape.dispatches.splice(0);
  const executor = await createExecutor(device, { forward, loss: lossPhase, backward }, [sums, adjusted]);
  if (onDevice) write(device, pairTensors.options, Float32Array.from(loss?.wgslOptions ?? []));

  const load = (batch: TokenBatch, pairs?: PreferenceBatch): StreamSizes => {
    const weights =
      pairs && pairOptions.ldAlpha !== undefined ? lengthDesensitizedWeights(pairs, pairOptions.ldAlpha) : undefined;
    return loadStream(device, stream, batch, config.vocabSize, weights);
  };
  /** Reads the sequences' results, and `more` in the same round trip. */
  const results = async (batch: TokenBatch, more: { tensor: Tensor; length: number }[] = []) => {
    const lengths = completionLengths(batch);
    const count = lengths.length;
    const wanted = [{ tensor: sums, length: count * 4 }, { tensor: adjusted, length: count }, ...more];
    const [values, confidence, ...others] = await read(device, wanted);
    const column = (index: number): Float64Array => Float64Array.from(lengths, (_, s) => values![s * 4 + index]!);
    const own: SequenceResults = {
      logps: column(0),
      meanLogits: column(1),
      entropies: column(2),
      correct: column(3),
      lengths,
      adjusted: Float64Array.from(confidence!),
    };
    return { own, others };
  };

  return {
    capacity,
    bytes: executor.temporaryBytes + bytesOf([...Object.values(stream), ...Object.values(labels), ...Object.values(pairTensors)]),
    async evaluate(batch) {
      executor.run("forward", { ...noSizes, ...load(batch) });
      return (await results(batch)).own;
    },
    async evaluatePairs(batch, given) {
      executor.run("forward", { ...noSizes, ...load(batch, batch) });
      const { own } = await results(batch);
      return { ...own, output: given(preferenceLogps(own, batch, pairOptions)) };
    },
    async supervised(batch, { index, lossScale, dropoutDraw = 0 }) {
      const sizes = { ...noSizes, ...load(batch), accumulate: index > 0 ? 1 : 0, lossScale, dropoutDraw };
      write(device, labels.sequenceGradient, new Float32Array(sizes.sequences).fill(-lossScale));
      executor.run("forward", sizes);
      executor.run("backward", sizes);
      return (await results(batch)).own;
    },
    async preference(batch, given, { index, lossScale }) {
      const sizes = { ...noSizes, ...load(batch, batch), pairs: batch.pairs, accumulate: index > 0 ? 1 : 0, lossScale };
      writePairs(policy, pairTensors, batch, completionLengths(batch));
      executor.run("forward", sizes);
      if (onDevice) {
        executor.run("loss", sizes);
        executor.run("backward", sizes);
        const { own, others } = await results(batch, [{ tensor: pairTensors.pairResults, length: batch.pairs * 4 }]);
        return { ...own, output: pairResults(others[0]!, batch.pairs) };
      }
      const { own } = await results(batch);
      const output = given(preferenceLogps(own, batch, pairOptions));
      const gradient = Float32Array.from([...output.chosenGrad, ...output.rejectedGrad], (value) => value * lossScale);
      write(device, labels.sequenceGradient, gradient);
      executor.run("backward", sizes);
      return { ...own, output };
    },
    [Symbol.dispose]() {
      executor[Symbol.dispose]();
      freeStream(stream);
      for (const tensor of Object.values(pairTensors)) if (tensor !== labels.sequenceGradient) tensor.place?.buffer.destroy();
    },
  };
}

const maxPairs = (capacity: Capacity): number => Math.ceil(capacity.sequences / 2);
const bytesOf = (tensors: unknown[]): number =>
  tensors.reduce<number>((sum, tensor) => sum + ((tensor as Tensor).place ? (tensor as Tensor).bytes : 0), 0);

function allocatePairs({ device }: Policy, capacity: Capacity, sequenceGradient: Tensor): Omit<PreferenceLossTensors, "sums"> {
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

function writePairs(
  { device }: Policy,
  tensors: Omit<PreferenceLossTensors, "sums">,
  batch: PreferenceBatch,
  lengths: Float64Array,
): void {
  const { pairs, refChosenLogps, refRejectedLogps } = batch;
  const reference = new Float32Array(2 * pairs);
  if (refChosenLogps && refRejectedLogps) reference.set([...refChosenLogps, ...refRejectedLogps]);
  write(device, tensors.referenceLogps, reference);
  write(device, tensors.lengths, Float32Array.from(lengths));
  write(device, tensors.pairWeights, new Float32Array(pairs).fill(1));
}

function pairResults(values: Float32Array, pairs: number): PairResults {
  const column = (index: number): Float64Array => Float64Array.from({ length: pairs }, (_, i) => values[i * 4 + index]!);
  return { loss: column(0).reduce((sum, value) => sum + value / pairs, 0), chosenRewards: column(1), rejectedRewards: column(2) };
}

/** The float64 view of a micro-batch that a loss is called with. */
function preferenceLogps(
  { logps, lengths, adjusted }: SequenceResults,
  batch: PreferenceBatch,
  { useWeighting }: PairOptions,
): PreferenceLogps {
  const { pairs, refChosenLogps, refRejectedLogps } = batch;
  const confidence = (s: number): number => adjusted[s]! / lengths[s]!;
  const weights = Float64Array.from({ length: pairs }, (_, i) => Math.min(1, Math.exp(confidence(i) + confidence(pairs + i))));
  return {
    chosenLogps: logps.slice(0, pairs),
    rejectedLogps: logps.slice(pairs),
    chosenLengths: lengths.slice(0, pairs),
    rejectedLengths: lengths.slice(pairs),
    refChosenLogps,
    refRejectedLogps,
    ...(useWeighting && { pairWeights: weights }),
  };
}

/** [S] tokens of each sequence that the completion mask counts. */
export function completionLengths({ sequenceOffsets, completionMask }: TokenBatch): Float64Array {
  return Float64Array.from({ length: sequenceOffsets.length - 1 }, (_, s) => {
    return completionMask.subarray(sequenceOffsets[s]!, sequenceOffsets[s + 1]!).reduce((sum, bit) => sum + bit, 0);
  });
}
