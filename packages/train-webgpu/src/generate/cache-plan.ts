import type { LayerCache } from "../kernels/cached-attention/cached-attention.ts";
import { type DecoderContext, decoder, labelLogits } from "../model/decoder.ts";
import { lowRankOf, type Policy, weightOf } from "../model/policy.ts";
import { allocateStream, freeStream } from "../model/stream.ts";
import { createExecutor } from "../plan/executor.ts";
import { createTape } from "../plan/tape.ts";
import { noSizes } from "../plan/tensor.ts";
import { allocate, read, write } from "../plan/upload.ts";

/** One token to process: which slot of the cache it belongs to, where in its sequence, and whether its logits are wanted. */
export interface CacheToken {
  slot: number;
  position: number;
  id: number;
  wanted: boolean;
}

/** The model with a key-value cache of `slots` sequences. */
export interface CachePlan extends Disposable {
  readonly maxTokens: number;
  /** Processes tokens (in order within a slot) and returns the logits [V] of those that want them, in order. */
  run(tokens: CacheToken[]): Promise<Float32Array[]>;
}

export async function createCachePlan(policy: Policy, slots: number, maxLength: number): Promise<CachePlan> {
  const { device, config, weights, adapter } = policy;
  const { numHiddenLayers, numKeyValueHeads, headDim, vocabSize } = config;
  const maxTokens = Math.max(256, Math.ceil(slots / 4) * 4);
  const stream = allocateStream(
    device,
    { tokens: maxTokens, sequences: slots, labelled: slots },
    policy.inverseFrequencies,
    maxLength,
  );
  const rows = allocate(device, "cache rows", maxTokens * 4);
  const bytes = slots * maxLength * numKeyValueHeads * headDim * 4;
  const caches = Array.from({ length: numHiddenLayers }, (_, layer): LayerCache => {
    return { keys: allocate(device, `keys ${layer}`, bytes), values: allocate(device, `values ${layer}`, bytes), rows };
  });
  const tape = createTape();
  const context: DecoderContext = {
    target: device,
    config,
    stream,
    caches,
    weight: (name) => weightOf(weights, name),
    lowRank: lowRankOf(adapter),
  };
  const { logits } = labelLogits(tape, context, decoder(tape, context));
  const executor = await createExecutor(device, { generate: tape.dispatches }, [logits]);
  return {
    maxTokens,
    async run(tokens) {
      const u32 = (values: number[]) => Uint32Array.from(values);
      const wanted = [...tokens.keys()].filter((t) => tokens[t]!.wanted);
      const cacheRows = tokens.map(({ slot, position }) => slot * maxLength + position);
      write(device, stream.ids, u32(tokens.map(({ id }) => id)));
      write(device, stream.positions, u32(tokens.map(({ position }) => position)));
      write(device, rows, u32(cacheRows));
      write(
        device,
        stream.tiles,
        u32(tokens.flatMap(({ slot }, t) => [slot * maxLength, cacheRows[t]!, cacheRows[t]! + 1, cacheRows[t]! - t])),
      );
      write(device, stream.labels.rows, u32(wanted));
      executor.run("generate", { ...noSizes, ...countsOf(tokens), labelled: wanted.length });
      if (wanted.length === 0) return [];
      const [values] = await read(device, [{ tensor: logits, length: wanted.length * vocabSize }]);
      return wanted.map((_, n) => values!.subarray(n * vocabSize, (n + 1) * vocabSize));
    },
    [Symbol.dispose]() {
      executor[Symbol.dispose]();
      freeStream(stream);
      rows.place!.buffer.destroy();
      for (const { keys, values } of caches) for (const tensor of [keys, values]) tensor.place!.buffer.destroy();
    },
  };
}

function countsOf(tokens: CacheToken[]) {
  const ends = new Map(tokens.map(({ slot, position }) => [slot, position + 1]));
  return {
    tokens: tokens.length,
    tiles: tokens.length,
    attended: tokens.reduce((sum, { position }) => sum + position + 1, 0),
    cached: [...ends.values()].reduce((sum, end) => sum + end, 0),
  };
}
