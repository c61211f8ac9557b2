import type { Tokenizer } from "@zephyr/data";
import type { DrawnToken, TokenLogp } from "@zephyr/train-webgpu";
import type { ReplyHead, ReplyShape } from "./reply-shape.ts";
import { bytesOf, textBehind } from "./token-text.ts";

/** Replies of `/v1/chat/completions`; `lastPromptId` is the token before every answer. */
export function chatReply(tokenizer: Tokenizer, lastPromptId: number | undefined, withLogprobs: boolean): ReplyShape {
  const logprobs = (tokens: readonly DrawnToken[], before: number | undefined) =>
    withLogprobs
      ? { content: tokens.map((token, i) => tokenEntry(tokenizer, token, tokens[i - 1]?.id ?? before)), refusal: null }
      : null;
  // The token before the next piece of each answer.
  const before: (number | undefined)[] = [];
  const chunk = (head: ReplyHead, choices: object[]): object => ({ ...head, object: "chat.completion.chunk", choices });
  const choice = (index: number, delta: object, finishReason: string | null = null, entries: object | null = null): object[] => [
    { index, delta, logprobs: entries, finish_reason: finishReason },
  ];
  return {
    idPrefix: "chatcmpl-",
    whole: (head, answers, usage) => ({
      ...head,
      object: "chat.completion",
      choices: answers.map(({ text, tokens, finishReason }, index) => ({
        index,
        message: { role: "assistant", content: text, refusal: null },
        logprobs: logprobs(tokens, lastPromptId),
        finish_reason: finishReason,
      })),
      usage,
    }),
    opening: (head, index) => chunk(head, choice(index, { role: "assistant", content: "", refusal: null })),
    piece(head, index, { text, tokens }) {
      const entries = logprobs(tokens, before[index] ?? lastPromptId);
      before[index] = tokens.at(-1)?.id ?? before[index];
      return chunk(head, choice(index, { content: text }, null, entries));
    },
    closing: (head, index, finishReason) => chunk(head, choice(index, {}, finishReason)),
    usage: (head, usage) => ({ ...chunk(head, []), usage }),
  };
}

function tokenEntry(tokenizer: Tokenizer, { id, logp, top }: DrawnToken, before: number | undefined): object {
  const entry = (one: TokenLogp): object => {
    const token = textBehind(tokenizer, before, one.id);
    return { token, logprob: one.logp, bytes: bytesOf(token) };
  };
  return { ...entry({ id, logp }), top_logprobs: top.map(entry) };
}
