import { type BpeModel, trainBpe } from "./train-bpe.ts";

/** Ids 0 to 5. The three markers of the chat template are single tokens here; in Zephyr-7B they are plain text of several. */
export const SPECIAL_TOKENS = ["<unk>", "<s>", "</s>", "<|system|>", "<|user|>", "<|assistant|>"] as const;

export const VOCAB_SIZE = 768;

/** Zephyr's template: each turn is its marker, a line feed, the content, the end token and a line feed; no start token. */
export const CHAT_TEMPLATE = [
  "{% for message in messages %}",
  "{% if message['role'] == 'system' or message['role'] == 'user' or message['role'] == 'assistant' %}",
  "{{ '<|' + message['role'] + '|>\\n' + message['content'] + eos_token }}",
  "{% endif %}",
  "{% if loop.last and add_generation_prompt %}",
  "{{ '<|assistant|>' }}",
  "{% endif %}",
  "{% endfor %}",
].join("\n");

/** Trains on the texts and returns the two files of a Hugging Face tokenizer folder, ready to be written. */
export function tokenizerFiles(texts: Iterable<string>, vocabSize: number = VOCAB_SIZE): Record<string, string> {
  const model = trainBpe(texts, { vocabSize, specialTokens: SPECIAL_TOKENS });
  return {
    "tokenizer.json": `${JSON.stringify(tokenizerJson(model), null, 1)}\n`,
    "tokenizer_config.json": `${JSON.stringify(TOKENIZER_CONFIG, null, 1)}\n`,
  };
}

const TOKENIZER_CONFIG = {
  backend: "tokenizers",
  bos_token: "<s>",
  chat_template: CHAT_TEMPLATE,
  clean_up_tokenization_spaces: false,
  eos_token: "</s>",
  model_max_length: 256,
  pad_token: "</s>",
  tokenizer_class: "TokenizersBackend",
  unk_token: "<unk>",
};

function tokenizerJson({ vocab, merges }: BpeModel): unknown {
  const start = { SpecialToken: { id: "<s>", type_id: 0 } };
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: SPECIAL_TOKENS.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: {
      type: "TemplateProcessing",
      single: [start, { Sequence: { id: "A", type_id: 0 } }],
      pair: [start, { Sequence: { id: "A", type_id: 0 } }, start, { Sequence: { id: "B", type_id: 0 } }],
      special_tokens: { "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] } },
    },
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges,
    },
  };
}
