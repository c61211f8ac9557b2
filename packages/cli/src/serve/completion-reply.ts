import type { Tokenizer } from "@zephyr/data";
import type { DrawnToken } from "@zephyr/train-webgpu";
import type { ReplyHead, ReplyShape } from "./reply-shape.ts";
import { textBehind } from "./token-text.ts";

export interface CompletionReplyOptions {
  /** The prompt's text, which is put before an answer, by answer; undefined without echo. */
  echoes: readonly (string | undefined)[];
  /** The last token of each answer's prompt. */
  lastPromptIds: readonly (number | undefined)[];
  topLogps: number | undefined;
}

/** Replies of `/v1/completions`. */
export function completionReply(tokenizer: Tokenizer, { echoes, lastPromptIds, topLogps }: CompletionReplyOptions): ReplyShape {
  // How far each answer's stream has come: the next token's place in the text, and the token before it.
  const offsets = echoes.map((echo = "") => echo.length);
  const before = [...lastPromptIds];
  const logprobs = (index: number, tokens: readonly DrawnToken[]): object | null => {
    if (topLogps === undefined) return null;
    const lists = { tokens: [] as string[], token_logprobs: [] as number[], text_offset: [] as number[] };
    const top: Record<string, number>[] = [];
    for (const token of tokens) {
      const text = textBehind(tokenizer, before[index], token.id);
      lists.tokens.push(text);
      lists.token_logprobs.push(token.logp);
      lists.text_offset.push(offsets[index]!);
      top.push(Object.fromEntries(token.top.map(({ id, logp }) => [textBehind(tokenizer, before[index], id), logp])));
      offsets[index] = offsets[index]! + text.length;
      before[index] = token.id;
    }
    return { ...lists, top_logprobs: topLogps === 0 ? null : top };
  };
  const reply = (head: ReplyHead, choices: object[]): object => ({ ...head, object: "text_completion", choices });
  const choice = (index: number, text: string, finishReason: string | null, entries: object | null): object => ({
    index,
    text,
    logprobs: entries,
    finish_reason: finishReason,
  });
  return {
    idPrefix: "cmpl-",
    whole: (head, answers, usage) => ({
      ...reply(
        head,
        answers.map(({ text, tokens, finishReason }, index) =>
          choice(index, (echoes[index] ?? "") + text, finishReason, logprobs(index, tokens)),
        ),
      ),
      usage,
    }),
    ...(echoes.some((echo) => echo !== undefined) && {
      opening: (head: ReplyHead, index: number) => reply(head, [choice(index, echoes[index] ?? "", null, null)]),
    }),
    piece: (head, index, { text, tokens }) => reply(head, [choice(index, text, null, logprobs(index, tokens))]),
    closing: (head, index, finishReason) => reply(head, [choice(index, "", finishReason, null)]),
    usage: (head, usage) => ({ ...reply(head, []), usage }),
  };
}
