import { DPO, MODEL, SFT } from "../../recipes/tiny/settings.ts";

/** The tiny recipe at a size that a software adapter trains in a minute or two: a smaller model, fewer rows, the same world. */
export { MAX_ANSWER_TOKENS, SEED } from "../../recipes/tiny/settings.ts";

export const PAGE_MODEL = {
  ...MODEL,
  hidden_size: 64,
  intermediate_size: 176,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 16,
} as const;

export const PAGE_SFT = { ...SFT, dialogues: 1600, tokensPerBatch: 512, epochs: 2, learningRate: 6e-3 } as const;

export const PAGE_DPO = { ...DPO, epochs: 2, learningRate: 5e-4 } as const;

/** Prompts that four answers each are drawn for, at these temperatures. */
export const FEEDBACK_PROMPTS = 128;
export const TEMPERATURES = [0.5, 0.7, 0.9, 1.1] as const;

/** Held-out prompts that are answered before and after dDPO. */
export const HELD_OUT_PROMPTS = 32;
