import type { PreferenceBatch, TokenBatch } from "@zephyr/data";
import type { Device } from "../device/request-device.ts";
import { attentionTiles, tileRows } from "../kernels/attention/attention.ts";
import { sortById } from "../kernels/embedding/embedding.ts";
import type { LabelInputs } from "../kernels/linear-logps/linear-logps.ts";
import { ropeAngles } from "../kernels/rope/rope.ts";
import type { Sizes, Tensor } from "../plan/tensor.ts";
import { allocate, type DeviceArray, write } from "../plan/upload.ts";

/** The largest batch that a plan takes. */
export interface Capacity {
  tokens: number;
  sequences: number;
  labelled: number;
}

/** The device's copy of a token stream. */
export interface StreamTensors {
  capacity: Capacity;
  /** Rows of one tile of attention. */
  tileRows: number;
  ids: Tensor;
  positions: Tensor;
  angles: Tensor;
  tiles: Tensor;
  distinctIds: Tensor;
  distinctOffsets: Tensor;
  orderById: Tensor;
  labels: LabelInputs;
  /** [S + 1] first labelled row of each sequence. */
  rowOffsets: Tensor;
}

/** Sizes of a stream; the rest of `Sizes` is the trainer's. */
export type StreamSizes = Pick<Sizes, "tokens" | "sequences" | "labelled" | "tiles" | "attended" | "distinctIds">;

const NONE = 0xffff_ffff;

/** `positions`: how many positions a sequence may have, where that is not the stream's length. */
export function allocateStream(
  device: Device,
  capacity: Capacity,
  inverseFrequencies: Float64Array,
  positions = capacity.tokens,
): StreamTensors {
  const { tokens, sequences, labelled } = capacity;
  const u32 = (name: string, count: number): Tensor => allocate(device, name, count * 4);
  const table = ropeAngles(inverseFrequencies, positions);
  const angles = allocate(device, "rope angles", table.byteLength);
  write(device, angles, table);
  return {
    capacity,
    tileRows: tileRows(device, 2 * inverseFrequencies.length),
    angles,
    ids: u32("ids", tokens),
    positions: u32("positions", tokens),
    tiles: u32("tiles", tokens * 4),
    distinctIds: u32("distinct ids", tokens),
    distinctOffsets: u32("distinct offsets", tokens + 1),
    orderById: u32("order by id", tokens),
    rowOffsets: u32("row offsets", sequences + 1),
    labels: {
      rows: u32("label rows", labelled),
      targets: u32("label targets", labelled),
      rowOfToken: u32("row of token", tokens),
      sequenceOfRow: u32("sequence of row", labelled),
      rowWeights: u32("row weights", labelled),
      logCollision: u32("log collision", labelled),
      sequenceGradient: u32("sequence gradient", sequences),
    },
  };
}

export function freeStream(stream: StreamTensors): void {
  const { capacity: _, tileRows: __, labels, ...tensors } = stream;
  for (const tensor of [...Object.values(tensors), ...Object.values(labels)]) tensor.place?.buffer.destroy();
}

/** What a batch asks of a plan's capacity. */
export function needs(batch: TokenBatch): Capacity {
  return {
    tokens: Math.ceil(batch.inputIds.length / 4) * 4,
    sequences: batch.sequenceOffsets.length - 1,
    labelled: batch.completionMask.reduce((sum, bit) => sum + bit, 0),
  };
}

/** The labelled rows of a batch: token t is labelled where token t + 1 of its sequence is to be predicted. */
export interface Labels {
  rows: Uint32Array<ArrayBuffer>;
  targets: Uint32Array<ArrayBuffer>;
  sequenceOfRow: Uint32Array<ArrayBuffer>;
  rowOffsets: Uint32Array<ArrayBuffer>;
}

/** Throws where the first token of a sequence is to be predicted: nothing stands before it. */
export function labelsOf({ inputIds, sequenceOffsets, completionMask, rowIds }: TokenBatch): Labels {
  const rows: number[] = [];
  const sequenceOfRow: number[] = [];
  const rowOffsets = new Uint32Array(sequenceOffsets.length);
  for (let s = 0; s + 1 < sequenceOffsets.length; s++) {
    const start = sequenceOffsets[s]!;
    if (completionMask[start] === 1) {
      throw new RangeError(
        `labelsOf: the first token of sequence ${s}${rowIds ? ` (row "${rowIds[s]}")` : ""} is in the completion mask; nothing stands before it, so give the completion a prompt or a BOS token`,
      );
    }
    for (let t = start + 1; t < sequenceOffsets[s + 1]!; t++) {
      if (completionMask[t] !== 1) continue;
      rows.push(t - 1);
      sequenceOfRow.push(s);
    }
    rowOffsets[s + 1] = rows.length;
  }
  const targets = Uint32Array.from(rows, (t) => inputIds[t + 1]!);
  return { rows: Uint32Array.from(rows), targets, sequenceOfRow: Uint32Array.from(sequenceOfRow), rowOffsets };
}

/** Writes a batch to the device and returns its sizes; a tail shorter than 4 tokens is filled with a sequence of its own that nothing reads. */
export function loadStream(
  device: Device,
  stream: StreamTensors,
  batch: TokenBatch,
  vocabulary: number,
  rowWeights?: Float32Array<ArrayBuffer>,
): StreamSizes {
  checkBatch(batch, stream.capacity, vocabulary);
  const count = batch.inputIds.length;
  const tokens = Math.ceil(count / 4) * 4;
  const ids = padded(batch.inputIds, tokens);
  const offsets = tokens === count ? batch.sequenceOffsets : Uint32Array.from([...batch.sequenceOffsets, tokens]);
  const labels = labelsOf(batch);
  const rowOfToken = new Uint32Array(tokens).fill(NONE);
  labels.rows.forEach((token, row) => {
    rowOfToken[token] = row;
  });
  const tiles = attentionTiles(offsets, stream.tileRows);
  const sorted = sortById(ids);
  const put = (tensor: Tensor, data: DeviceArray): void => write(device, tensor, data);
  put(stream.ids, ids);
  put(stream.positions, padded(batch.positions, tokens));
  put(stream.tiles, tiles);
  put(stream.distinctIds, sorted.distinctIds);
  put(stream.distinctOffsets, sorted.offsets);
  put(stream.orderById, sorted.order);
  put(stream.rowOffsets, labels.rowOffsets);
  put(stream.labels.rows, labels.rows);
  put(stream.labels.targets, labels.targets);
  put(stream.labels.rowOfToken, rowOfToken);
  put(stream.labels.sequenceOfRow, labels.sequenceOfRow);
  put(stream.labels.rowWeights, rowWeights ?? new Float32Array(labels.rows.length).fill(1));
  return {
    tokens,
    sequences: batch.sequenceOffsets.length - 1,
    labelled: labels.rows.length,
    tiles: tiles.length / 4,
    attended: attendedPairs(offsets),
    distinctIds: sorted.distinctIds.length,
  };
}

function attendedPairs(offsets: Uint32Array): number {
  let pairs = 0;
  for (let s = 0; s + 1 < offsets.length; s++) {
    const length = offsets[s + 1]! - offsets[s]!;
    pairs += (length * (length + 1)) / 2;
  }
  return pairs;
}

function padded(values: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const copy = new Uint32Array(length);
  copy.set(values);
  return copy;
}

function checkBatch(
  { inputIds, positions, completionMask, sequenceOffsets, rowIds }: TokenBatch,
  capacity: Capacity,
  vocabulary: number,
): void {
  const tokens = inputIds.length;
  if (positions.length !== tokens || completionMask.length !== tokens || sequenceOffsets.at(-1) !== tokens) {
    throw new RangeError(
      `loadStream: inputIds has ${tokens} tokens, positions ${positions.length}, completionMask ${completionMask.length}, sequenceOffsets end at ${sequenceOffsets.at(-1)}; all must agree`,
    );
  }
  for (let s = 0; s + 1 < sequenceOffsets.length; s++) {
    if (sequenceOffsets[s + 1]! <= sequenceOffsets[s]!)
      throw new RangeError(`loadStream: sequence ${s}${rowIds ? ` (row "${rowIds[s]}")` : ""} is empty`);
  }
  const foreign = inputIds.findIndex((id) => id >= vocabulary);
  if (foreign >= 0) {
    throw new RangeError(
      `loadStream: token ${foreign} has id ${inputIds[foreign]}, the model's vocabulary has ${vocabulary}; the tokenizer and the model do not belong together`,
    );
  }
  if (tokens > capacity.tokens)
    throw new RangeError(`loadStream: the batch has ${tokens} tokens, the plan holds ${capacity.tokens}`);
}

/**
 * [N] weights of the labelled tokens of B pairs: 1 up to the length of the pair's shorter completion, alpha beyond it
 * (LD-DPO, Liu et al. 2024, eq. 9).
 */
export function lengthDesensitizedWeights(batch: PreferenceBatch, alpha: number): Float32Array<ArrayBuffer> {
  const { rowOffsets, rows } = labelsOf(batch);
  const weights = new Float32Array(rows.length).fill(1);
  const length = (s: number): number => rowOffsets[s + 1]! - rowOffsets[s]!;
  for (let s = 0; s < 2 * batch.pairs; s++) {
    const pair = s % batch.pairs;
    const shorter = Math.min(length(pair), length(pair + batch.pairs));
    weights.fill(alpha, rowOffsets[s]! + shorter, rowOffsets[s + 1]!);
  }
  return weights;
}
