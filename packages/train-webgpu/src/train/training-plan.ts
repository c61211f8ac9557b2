import type { PreferenceBatch, TokenBatch } from "@zephyr/data";
import type { PreferenceLogps, PreferenceLoss, PreferenceLossOutput } from "@zephyr/losses";
import type { Policy } from "../model/policy.ts";
import { type Capacity, lengthDesensitizedWeights, loadStream, type StreamSizes } from "../model/stream.ts";
import { createExecutor } from "../plan/executor.ts";
import { noSizes, type Tensor } from "../plan/tensor.ts";
import { read, write } from "../plan/upload.ts";
import { type PairOptions, type PairTensors, type RecordingOptions, recordTraining } from "./record-training.ts";

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

export async function createTrainingPlan(options: RecordingOptions): Promise<TrainingPlan> {
  const { policy, capacity, loss, pairOptions = {} } = options;
  const { device, config } = policy;
  const recording = recordTraining(options);
  const { stream, pairs: pairTensors, sums, adjusted, onDevice } = recording;
  const { labels } = stream;
  const executor = await createExecutor(device, recording.phases, [sums, adjusted]);
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
      recording[Symbol.dispose]();
    },
  };
}

const bytesOf = (tensors: unknown[]): number =>
  tensors.reduce<number>((sum, tensor) => sum + ((tensor as Tensor).place ? (tensor as Tensor).bytes : 0), 0);

function writePairs({ device }: Policy, tensors: PairTensors, batch: PreferenceBatch, lengths: Float64Array): void {
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
