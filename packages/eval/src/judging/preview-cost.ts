import type { Completion, Generate, Message } from "@zephyr/data";
import type { Replies } from "./ask-all.ts";

/** What a judging would send and cost. */
export interface CostPreview {
  /** Calls that would be sent; what `replies` holds is not among them. */
  requests: number;
  prompt_tokens: number;
  /** What the replies come to if each is as long as `typicalCompletionTokens`, and if each uses all its tokens. */
  completion_tokens: [number, number];
  /** The same in US dollars; null without a price. */
  cost_usd: [number, number] | null;
}

/** What tokens cost and how they are counted. */
export interface PreviewOptions {
  /** US dollars per million tokens. */
  price?: { inputPerMillion: number; outputPerMillion: number };
  /** Tokens of a prompt; about four bytes each unless the judge's tokenizer is given. */
  countTokens?: (messages: readonly Message[]) => number;
  /** Usual length of a judgment in tokens, 200 unless told. */
  typicalCompletionTokens?: number;
  replies?: Replies;
}

/**
 * What a judging run would cost, without sending anything: `run` is called with a judge that only counts. Its replies
 * hold no verdict and are kept nowhere.
 *
 * @example
 * const preview = await previewCost((judge, replies) => compare({ a, b, judge, replies }), { price });
 */
export async function previewCost(
  run: (judge: Generate, replies: Replies) => Promise<unknown>,
  options: PreviewOptions = {},
): Promise<CostPreview> {
  const { price, countTokens = fourBytesEach, typicalCompletionTokens = 200, replies } = options;
  let requests = 0;
  let prompt = 0;
  let most = 0;
  let usual = 0;
  const counting: Generate = async (messages, sampling) => {
    const limit = sampling?.maxTokens ?? 1024;
    requests++;
    prompt += countTokens(messages);
    most += limit;
    usual += Math.min(limit, typicalCompletionTokens);
    return { ...NO_VERDICT };
  };
  await run(counting, { get: (key) => replies?.get(key), put: () => {} });
  const cost = (completion: number) => (prompt * price!.inputPerMillion + completion * price!.outputPerMillion) / 1e6;
  return {
    requests,
    prompt_tokens: prompt,
    completion_tokens: [usual, most],
    cost_usd: price ? [cost(usual), cost(most)] : null,
  };
}

/** Also stands in for a judge that is asked for log-probabilities. */
const NO_VERDICT: Completion & { logprobs: unknown } = {
  content: "",
  model: "preview",
  finishReason: "stop",
  logprobs: { content: [{ top_logprobs: [] }] },
};

const fourBytesEach = (messages: readonly Message[]) =>
  messages.reduce((sum, { content }) => sum + Math.ceil(Buffer.byteLength(content) / 4) + 4, 3);
