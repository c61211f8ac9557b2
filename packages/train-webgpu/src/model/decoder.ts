import type { ModelConfig } from "../formats/model-config/model-config.ts";
import { attention } from "../kernels/attention/attention.ts";
import { addBias } from "../kernels/bias/bias.ts";
import { cachedAttention, type LayerCache } from "../kernels/cached-attention/cached-attention.ts";
import { embedding } from "../kernels/embedding/embedding.ts";
import { gatherLabelled, linearLogps } from "../kernels/linear-logps/linear-logps.ts";
import { type LowRank, linear } from "../kernels/matmul/matmul.ts";
import type { KernelTarget } from "../kernels/prelude/prelude.ts";
import { rmsNorm } from "../kernels/rms-norm/rms-norm.ts";
import { rope } from "../kernels/rope/rope.ts";
import { swiglu } from "../kernels/swiglu/swiglu.ts";
import type { Tape } from "../plan/tape.ts";
import type { Sizes, Tensor } from "../plan/tensor.ts";
import type { StreamTensors } from "./stream.ts";

/** Everything a recording of the model needs besides the tape. */
export interface DecoderContext {
  target: KernelTarget;
  config: ModelConfig;
  /** A weight by its Hugging Face name. */
  weight: (name: string) => Tensor;
  /** The low-rank update of a module, e.g. "model.layers.0.self_attn.q_proj", where it has one. */
  lowRank?: ((module: string) => LowRank | undefined) | undefined;
  stream: StreamTensors;
  /** Where generation keeps keys and values, by layer; without it attention stays inside the stream. */
  caches?: LayerCache[];
  /** Compute each layer's inside again in the backward pass instead of keeping it. */
  checkpointing?: boolean;
}

const tokens = (sizes: Sizes): number => sizes.tokens;

/** Hidden states [T, C] of a token stream after the last layer, before the final norm (Llama, Touvron et al. 2023; Mistral, Jiang et al. 2023). */
export function decoder(tape: Tape, context: DecoderContext): Tensor {
  const { target, config, weight, stream, checkpointing } = context;
  const { hiddenSize } = config;
  let hidden = embedding(tape, target, stream, weight("model.embed_tokens.weight"), hiddenSize, stream.capacity.tokens);
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    const input = hidden;
    hidden = checkpointing ? tape.checkpoint((inner) => block(inner, context, input, layer)) : block(tape, context, input, layer);
  }
  return hidden;
}

/** Log-probability, mean logit, entropy and correctness of every labelled token, [N] of 4 floats. */
export function labelStats(tape: Tape, context: DecoderContext, hidden: Tensor, chunkBytes: number): Tensor {
  const { target, config, weight, stream } = context;
  const { hiddenSize: width, vocabSize: vocabulary, rmsNormEps: eps } = config;
  const { capacity, labels } = stream;
  const shape = { width, vocabulary, maxTokens: capacity.tokens, maxLabelled: capacity.labelled, chunkBytes };
  const gathered = gatherLabelled(tape, target, hidden, labels, shape);
  const rows = (s: Sizes): number => Math.ceil(s.labelled / 4) * 4;
  const normed = rmsNorm(tape, target, gathered, weight("model.norm.weight"), {
    rows,
    maxRows: Math.ceil(capacity.labelled / 4) * 4,
    width,
    eps,
  });
  const head = weight(config.tieWordEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight");
  return linearLogps(tape, target, normed, head, labels, shape);
}

/** Logits [N, V] of the labelled tokens, rows `stride` floats apart: for sampling, where N is small. */
export function labelLogits(tape: Tape, context: DecoderContext, hidden: Tensor): { logits: Tensor; stride: number } {
  const { target, config, weight, stream } = context;
  const { hiddenSize: width, vocabSize: vocabulary, rmsNormEps: eps } = config;
  const { labelled: maxLabelled, tokens: maxTokens } = stream.capacity;
  const gathered = gatherLabelled(tape, target, hidden, stream.labels, {
    width,
    vocabulary,
    maxTokens,
    maxLabelled,
    chunkBytes: 0,
  });
  const rows = (s: Sizes): number => s.labelled;
  const normed = rmsNorm(tape, target, gathered, weight("model.norm.weight"), { rows, maxRows: maxLabelled, width, eps });
  const head = weight(config.tieWordEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight");
  return {
    logits: linear(tape, target, normed, head, { rows, maxRows: maxLabelled, inputs: width, outputs: vocabulary }),
    stride: vocabulary,
  };
}

/** h' = h + Attention(norm(h)), h'' = h' + MLP(norm(h')). */
function block(tape: Tape, context: DecoderContext, hidden: Tensor, layer: number): Tensor {
  const afterAttention = attentionBlock(tape, context, hidden, layer);
  return mlpBlock(tape, context, afterAttention, layer);
}

function attentionBlock(tape: Tape, context: DecoderContext, hidden: Tensor, layer: number): Tensor {
  const { target, config, weight, stream } = context;
  const { numAttentionHeads: heads, numKeyValueHeads: keyValueHeads, headDim } = config;
  const prefix = `model.layers.${layer}.`;
  const x = norm(tape, context, hidden, `${prefix}input_layernorm.weight`);
  const project = (name: string, count: number): Tensor => {
    const projected = projection(tape, context, x, `${prefix}self_attn.${name}_proj`, config.hiddenSize, count * headDim);
    const wantsNorm = config.qkNorm && name !== "v";
    const y = wantsNorm ? headNorm(tape, context, projected, weight(`${prefix}self_attn.${name}_norm.weight`), count) : projected;
    if (name !== "v") rope(tape, target, y, stream.positions, stream.angles, { heads: count, headDim });
    return y;
  };
  const [q, k, v] = [project("q", heads), project("k", keyValueHeads), project("v", keyValueHeads)];
  const shape = { heads, keyValueHeads, headDim, window: config.layerWindows[layer], maxTokens: stream.capacity.tokens };
  const cache = context.caches?.[layer];
  const attended = cache
    ? cachedAttention(tape, target, q, k, v, stream.tiles, cache, shape)
    : attention(tape, target, q, k, v, stream.tiles, shape);
  return projection(tape, context, attended, `${prefix}self_attn.o_proj`, heads * headDim, config.hiddenSize, hidden);
}

function mlpBlock(tape: Tape, context: DecoderContext, hidden: Tensor, layer: number): Tensor {
  const { target, config } = context;
  const { hiddenSize, intermediateSize } = config;
  const prefix = `model.layers.${layer}.`;
  const x = norm(tape, context, hidden, `${prefix}post_attention_layernorm.weight`);
  const gate = projection(tape, context, x, `${prefix}mlp.gate_proj`, hiddenSize, intermediateSize);
  const up = projection(tape, context, x, `${prefix}mlp.up_proj`, hiddenSize, intermediateSize);
  const activated = swiglu(tape, target, gate, up, intermediateSize);
  return projection(tape, context, activated, `${prefix}mlp.down_proj`, intermediateSize, hiddenSize, hidden);
}

function norm(tape: Tape, { target, config, weight, stream }: DecoderContext, x: Tensor, name: string): Tensor {
  const shape = { rows: tokens, maxRows: stream.capacity.tokens, width: config.hiddenSize, eps: config.rmsNormEps };
  return rmsNorm(tape, target, x, weight(name), shape);
}

function headNorm(tape: Tape, { target, config, stream }: DecoderContext, x: Tensor, weight: Tensor, heads: number): Tensor {
  const rows = (s: Sizes): number => s.tokens * heads;
  return rmsNorm(tape, target, x, weight, {
    rows,
    maxRows: stream.capacity.tokens * heads,
    width: config.headDim,
    eps: config.rmsNormEps,
  });
}

function projection(
  tape: Tape,
  context: DecoderContext,
  x: Tensor,
  module: string,
  inputs: number,
  outputs: number,
  residual?: Tensor,
): Tensor {
  const { target, weight, lowRank, stream, config } = context;
  const shape = {
    rows: tokens,
    maxRows: stream.capacity.tokens,
    inputs,
    outputs,
    lowRank: lowRank?.(module),
    ...(residual && { residual }),
  };
  const y = linear(tape, target, x, weight(`${module}.weight`), shape);
  if (hasBias(config, module)) addBias(tape, target, y, weight(`${module}.bias`), tokens, outputs);
  return y;
}

function hasBias(config: ModelConfig, module: string): boolean {
  if (module.includes(".mlp.")) return config.mlpBias;
  return module.endsWith(".o_proj") ? config.attentionOutputBias : config.attentionBias;
}
