import { formatError, quote } from "../format-error.ts";
import type { Dtype } from "../safetensors/dtype.ts";
import type { ModelConfig } from "./model-config.ts";

/** A weight of the model by its Hugging Face name; matrices are [out, in]. */
export interface ParameterShape {
  name: string;
  shape: number[];
}

/** The linear layers of a decoder layer, in Hugging Face's order: module name within the layer, output size, input size, bias. */
export function layerLinears(config: ModelConfig): { module: string; outputs: number; inputs: number; bias: boolean }[] {
  const { hiddenSize: C, intermediateSize: F, headDim: D, attentionBias, attentionOutputBias, mlpBias } = config;
  const queries = config.numAttentionHeads * D;
  const keys = config.numKeyValueHeads * D;
  return [
    { module: "self_attn.q_proj", outputs: queries, inputs: C, bias: attentionBias },
    { module: "self_attn.k_proj", outputs: keys, inputs: C, bias: attentionBias },
    { module: "self_attn.v_proj", outputs: keys, inputs: C, bias: attentionBias },
    { module: "self_attn.o_proj", outputs: C, inputs: queries, bias: attentionOutputBias },
    { module: "mlp.gate_proj", outputs: F, inputs: C, bias: mlpBias },
    { module: "mlp.up_proj", outputs: F, inputs: C, bias: mlpBias },
    { module: "mlp.down_proj", outputs: C, inputs: F, bias: mlpBias },
  ];
}

/**
 * Every weight of the model, in the order of Hugging Face's state dict; a tied head has no entry of its own.
 *
 * @example parameterShapes(config)[0] // { name: "model.embed_tokens.weight", shape: [32000, 4096] }
 */
export function parameterShapes(config: ModelConfig): ParameterShape[] {
  const { hiddenSize: C, vocabSize: V } = config;
  const layers = Array.from({ length: config.numHiddenLayers }, (_, layer) => layerShapes(config, `model.layers.${layer}.`));
  const head = config.tieWordEmbeddings ? [] : [{ name: "lm_head.weight", shape: [V, C] }];
  return [
    { name: "model.embed_tokens.weight", shape: [V, C] },
    ...layers.flat(),
    { name: "model.norm.weight", shape: [C] },
    ...head,
  ];
}

function layerShapes(config: ModelConfig, prefix: string): ParameterShape[] {
  const { hiddenSize: C, headDim: D } = config;
  const linears = layerLinears(config).map(({ module, outputs, inputs, bias }) => [
    { name: `${prefix}${module}.weight`, shape: [outputs, inputs] },
    ...(bias ? [{ name: `${prefix}${module}.bias`, shape: [outputs] }] : []),
  ]);
  const norm = (name: string, size: number) => ({ name: `${prefix}${name}.weight`, shape: [size] });
  return [
    ...linears.slice(0, 4).flat(),
    ...(config.qkNorm ? [norm("self_attn.q_norm", D), norm("self_attn.k_norm", D)] : []),
    ...linears.slice(4).flat(),
    norm("input_layernorm", C),
    norm("post_attention_layernorm", C),
  ];
}

/** Names that old checkpoints store and nobody needs: the rotary tables, computed here. */
const DERIVED = /^model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq$/;

/**
 * Compares a checkpoint's tensors with what the configuration asks for: all there, nothing else, right shapes, float types.
 *
 * Returns the names that may be left unread (a stored copy of a tied head, rotary tables). Throws `ERR_MODEL_CONFIG` listing up to
 * five of the faults of each kind.
 */
export function checkParameters(
  config: ModelConfig,
  tensors: ReadonlyMap<string, { shape: readonly number[]; dtype?: Dtype }>,
): { ignored: string[] } {
  const expected = parameterShapes(config);
  const names = new Set(expected.map(({ name }) => name));
  const mayStay = (name: string) => DERIVED.test(name) || (config.tieWordEmbeddings && name === "lm_head.weight");
  const others = [...tensors.keys()].filter((name) => !names.has(name));
  const missing = expected.filter(({ name }) => !tensors.has(name)).map(({ name }) => quote(name));
  const unexpected = others.filter((name) => !mayStay(name)).map(quote);
  const wrong: string[] = [];
  for (const { name, shape } of expected) {
    const { shape: stored, dtype = "F32" } = tensors.get(name) ?? { shape };
    if (stored.length !== shape.length || stored.some((size, i) => size !== shape[i])) {
      wrong.push(`${quote(name)} is [${stored}], needs [${shape}]`);
    } else if (!["F32", "F16", "BF16"].includes(dtype)) wrong.push(`${quote(name)} is of type ${dtype}, needs F32, F16 or BF16`);
  }
  const faults = [list("missing", missing), list("unexpected", unexpected), list("wrong", wrong)].filter((fault) => fault !== "");
  if (faults.length === 0) return { ignored: others };
  throw formatError(
    "ERR_MODEL_CONFIG",
    `checkParameters: the checkpoint is not the ${config.modelType} model of its config.json: ${faults.join("; ")}; give files that belong together`,
  );
}

function list(kind: string, entries: string[]): string {
  const more = entries.length > 5 ? ` and ${entries.length - 5} more` : "";
  return entries.length === 0 ? "" : `${kind}: ${entries.slice(0, 5).join(", ")}${more}`;
}
