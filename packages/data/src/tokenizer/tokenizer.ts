import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import type { Message } from "../rows.ts";
import { sha256 } from "../sha256.ts";
import { type ChatTemplate, type ChatTemplateOptions, compileChatTemplate, hasGenerationMarks } from "./chat-template.ts";
import { maskOfSpans, spellingOf } from "./token-spans.ts";
import { ZEPHYR_GENERATION_TEMPLATE } from "./zephyr-template.ts";

/** A conversation as token ids, with the mask of what the assistant says. */
export interface EncodedChat {
  /** [T] token ids. */
  ids: number[];
  /** [T] 1 where a token holds text of the assistant. */
  assistantMask: number[];
}

/** Text to token ids and back, and conversations to text. */
export interface Tokenizer {
  /** Ids of a text; special tokens such as `<s>` are put around it unless told otherwise. */
  encode(text: string, options?: { addSpecialTokens?: boolean }): number[];
  /** Text of ids; an id outside the vocabulary stands for nothing. */
  decode(ids: ArrayLike<number>, options?: { skipSpecialTokens?: boolean }): string;
  /** The conversation as text; encode it with `addSpecialTokens: false`, since the template writes its own. */
  applyChatTemplate(messages: Message[], options?: ChatTemplateOptions): string;
  /** The conversation as ids, with a mask over what the assistant wrote. */
  encodeChat(messages: Message[], options?: ChatTemplateOptions): EncodedChat;
  /** The id of a token as the vocabulary spells it. */
  tokenId(token: string): number | undefined;
  /** The largest id plus one. */
  vocabSize: number;
  bosTokenId?: number;
  eosToken: string;
  eosTokenId: number;
  padTokenId?: number;
  /** The Jinja source. */
  chatTemplate?: string;
  /** SHA-256 over vocabulary, special tokens and template: the key of anything derived from them. */
  fingerprint: string;
  /** The files it was made of, by name: what must lie beside a saved model. */
  files: Record<string, string>;
}

/** The parts of a tokenizer.json that are read here. */
interface TokenizerJson {
  model?: { vocab?: unknown };
  added_tokens?: { id: number; content: string }[];
}

type Json = Record<string, unknown>;

const SPECIAL_TOKENS = ["bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token"];

/** `"</s>"`, or the older `{"content": "</s>", ...}`. */
function tokenText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  const content = (value as { content?: unknown } | null | undefined)?.content;
  return typeof content === "string" ? content : undefined;
}

/** One template, or the one named "default" of several. */
function templateText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return undefined;
  const named = value as { name?: string; template?: string }[];
  return (named.find(({ name }) => name === "default") ?? named[0])?.template;
}

/**
 * A tokenizer out of parsed files, for runtimes without a file system.
 *
 * @param chatTemplate the text of chat_template.jinja; without it the `chat_template` of the config holds
 * @throws TypeError when the JSON is no tokenizer, or names no end-of-sequence token.
 * @example
 * const tokenizer = tokenizerFromJson(await (await fetch("tokenizer.json")).json(), await (await fetch("tokenizer_config.json")).json());
 */
export function tokenizerFromJson(tokenizerJson: object, tokenizerConfig: object, chatTemplate?: string): Tokenizer {
  const config = tokenizerConfig as Json;
  const json = tokenizerJson as TokenizerJson;
  if (typeof tokenizerConfig !== "object" || tokenizerConfig === null)
    throw new TypeError("tokenizerFromJson: tokenizer_config.json holds no object; download it anew");
  if (typeof json?.model !== "object" || json.model === null || json.model.vocab === undefined) {
    throw new TypeError(
      'tokenizerFromJson: tokenizer.json has no "model.vocab"; only fast tokenizers of the tokenizers library can be read',
    );
  }
  let tokenizer: HuggingFaceTokenizer;
  try {
    tokenizer = new HuggingFaceTokenizer(tokenizerJson, tokenizerConfig);
    // A post-processor that lies is noticed only when it is used.
    tokenizer.encode("a");
  } catch (cause) {
    throw new TypeError(`tokenizerFromJson: tokenizer.json cannot be read (${(cause as Error).message})`, { cause });
  }
  const special = Object.fromEntries(
    SPECIAL_TOKENS.flatMap((name) => (tokenText(config[name]) ? [[name, tokenText(config[name])!]] : [])),
  );
  const idOf = (name: string): number | undefined =>
    special[name] === undefined ? undefined : tokenizer.token_to_id(special[name]);
  const eosTokenId = idOf("eos_token");
  if (eosTokenId === undefined) {
    throw new TypeError(
      `tokenizerFromJson: tokenizer_config.json names the eos_token ${JSON.stringify(config["eos_token"])}, which is not in the vocabulary`,
    );
  }
  const source = chatTemplate ?? templateText(config["chat_template"]);
  const template = source === undefined ? undefined : compileChatTemplate(source, special);
  const bosTokenId = idOf("bos_token");
  const padTokenId = idOf("pad_token");
  const vocabulary = tokenizer.get_vocab(true);
  let vocabSize = 0;
  for (const id of vocabulary.values()) vocabSize = Math.max(vocabSize, id + 1);
  const files: Record<string, string> = {
    "tokenizer.json": JSON.stringify(tokenizerJson),
    "tokenizer_config.json": JSON.stringify(tokenizerConfig, null, 1),
    ...(source === undefined ? {} : { "chat_template.jinja": source }),
  };
  return {
    encode: (text, { addSpecialTokens = true } = {}) => tokenizer.encode(text, { add_special_tokens: addSpecialTokens }).ids,
    decode: (ids, { skipSpecialTokens = false } = {}) => {
      const known = Array.from(ids).filter((id) => tokenizer.id_to_token(id) !== undefined);
      if (known.length === 0) return "";
      return tokenizer.decode(known, { skip_special_tokens: skipSpecialTokens, clean_up_tokenization_spaces: false });
    },
    applyChatTemplate: (messages, options) => required(template).render(messages, options),
    encodeChat: encodeChatWith(tokenizer, tokenizerJson, template, special),
    tokenId: (token) => tokenizer.token_to_id(token),
    vocabSize,
    eosToken: special["eos_token"]!,
    eosTokenId,
    ...(bosTokenId === undefined ? {} : { bosTokenId }),
    ...(padTokenId === undefined ? {} : { padTokenId }),
    ...(source === undefined ? {} : { chatTemplate: source }),
    fingerprint: sha256(JSON.stringify([files["tokenizer.json"], special, source ?? null])),
    files,
  };
}

function required(template: ChatTemplate | undefined): ChatTemplate {
  if (template) return template;
  throw new Error("applyChatTemplate: the tokenizer has no chat template; put a chat_template.jinja into its folder");
}

/**
 * Masks come from the template's own `{% generation %}` marks. A template without them is replaced by ours for the Zephyr format
 * where both render the conversation alike.
 */
function encodeChatWith(
  tokenizer: HuggingFaceTokenizer,
  tokenizerJson: object,
  template: ChatTemplate | undefined,
  special: Record<string, string>,
): Tokenizer["encodeChat"] {
  const spelling = spellingOf(tokenizerJson as Parameters<typeof spellingOf>[0]);
  const zephyr = compileChatTemplate(ZEPHYR_GENERATION_TEMPLATE, special);
  return (messages, options) => {
    const own = required(template);
    const marked = (hasGenerationMarks(own.source) ? own : zephyr).renderMarked(messages, options);
    if (!hasGenerationMarks(own.source) && marked.text !== own.render(messages, options)) {
      throw new Error(
        "assistantMask: the chat template has no {% generation %} marks and is not the Zephyr format; add the marks to chat_template.jinja",
      );
    }
    const cuts = [0, ...marked.spans.flat(), marked.text.length];
    const pieces = cuts.slice(1).map((end, i) => marked.text.slice(cuts[i], end));
    const { ids, tokens } = tokenizer.encode(marked.text, { add_special_tokens: false });
    return { ids, assistantMask: maskOfSpans(tokens, pieces, spelling) };
  };
}
