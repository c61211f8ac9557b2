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
  tie_word_embeddings: true,
  initializer_range: 0.06,
  hidden_act: "silu",
  bos_token_id: 1,
  eos_token_id: 2,
  pad_token_id: null,
} as const;

/** Supervised fine-tuning on the teacher's dialogues. */
export const SFT = {
  tokensPerBatch: 256,
  epochs: 2.5,
  learningRate: 3e-3,
  schedule: "cosine",
  warmupRatio: 0.1,
  adamBeta2: 0.99,
  /** An unfinished model is kept from this fraction of the run: the weaker member of the pool. */
  earlyFraction: 0.7,
} as const;

/** Direct preference optimization. The paper: beta 0.1, learning rate 5e-7 for 7B parameters, 3 epochs. */
export const DPO = {
  pairsPerBatch: 16,
  epochs: 2,
  beta: 0.05,
  learningRate: 2e-4,
  schedule: "linear",
  warmupRatio: 0.1,
} as const;

/** Which model of the pool answers at which temperature. */
export const POOL = [
  { name: "early", model: "dsft-early", temperature: 0.7 },
  { name: "cool", model: "dsft", temperature: 0.6 },
  { name: "mild", model: "dsft", temperature: 0.8 },
  { name: "warm", model: "dsft", temperature: 1 },
] as const;

/** Share of the preference pairs that is kept from training, for reward accuracy. */
export const HELD_OUT_PAIRS = 0.15;

export const MAX_ANSWER_TOKENS = 48;
