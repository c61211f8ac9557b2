/** Mistral-7B's shape (arXiv 2310.06825, table 1), as its config.json has it. */
export const MISTRAL_7B = {
  model_type: "mistral",
  hidden_size: 4096,
  intermediate_size: 14_336,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  vocab_size: 32_000,
  max_position_embeddings: 32_768,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: false,
  sliding_window: 4096,
};
