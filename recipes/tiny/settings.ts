/** Everything a person may want to change in this recipe, in one place. */

export const SEED = 0;

/** The model: Mistral's architecture, small enough for two CPU cores. `vocab_size` is the tokenizer's. */
export const MODEL = {
  architectures: ["MistralForCausalLM"],
  model_type: "mistral",
  hidden_size: 128,
  intermediate_size: 352,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 32,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  sliding_window: 128,
  tie_word_embeddings: false,
  initializer_range: 0.05,
  hidden_act: "silu",
  bos_token_id: 1,
  eos_token_id: 2,
  pad_token_id: null,
} as const;

/** Supervised fine-tuning on the teacher's dialogues. */
export const SFT = {
  sequencesPerBatch: 32,
  epochs: 5,
  learningRate: 4e-3,
  schedule: "cosine",
  warmupRatio: 0.1,
  /** An unfinished model is kept from this fraction of the run: the weaker half of the pool. */
  earlyFraction: 0.4,
} as const;

/** Direct preference optimization. The paper: beta 0.1, linear schedule, warmup 0.1, 3 epochs, learning rate 5e-7 for 7B parameters. */
export const DPO = {
  pairsPerBatch: 16,
  epochs: 3,
  beta: 0.1,
  learningRate: 4e-4,
  schedule: "linear",
  warmupRatio: 0.1,
} as const;

/** Which model of the pool answers at which temperature. */
export const POOL = [
  { name: "dsft-cool", model: "dsft", temperature: 0.5 },
  { name: "dsft-warm", model: "dsft", temperature: 1 },
  { name: "early-cool", model: "dsft-early", temperature: 0.5 },
  { name: "early-warm", model: "dsft-early", temperature: 1 },
] as const;

/** Share of the preference pairs that is kept from training, for reward accuracy. */
export const HELD_OUT_PAIRS = 0.15;

export const MAX_ANSWER_TOKENS = 48;
