/**
 * A ragged token stream: whole sequences laid end to end, never padded. T tokens, S sequences.
 * `completionMask[t]` is 1 where token t is predicted and counted; the first token of a sequence never is.
 */
export interface TokenBatch {
  /** [T] token ids. */
  inputIds: Uint32Array<ArrayBuffer>;
  /** [T] position inside the own sequence (packing: inside the own document), from 0. */
  positions: Uint32Array<ArrayBuffer>;
  /** [S + 1] where each sequence starts; the last entry is T. */
  sequenceOffsets: Uint32Array<ArrayBuffer>;
  /** [T] 1 where the token is learnt. */
  completionMask: Uint8Array<ArrayBuffer>;
  /** Which rows these are, for error messages. */
  rowIds?: string[];
}

/** B pairs as 2B sequences: the B chosen ones, then the B rejected ones. */
export interface PreferenceBatch extends TokenBatch {
  pairs: number;
  /** [B] summed log-probabilities of the completions under the reference model, in nats. */
  refChosenLogps?: Float64Array<ArrayBuffer>;
  refRejectedLogps?: Float64Array<ArrayBuffer>;
}
