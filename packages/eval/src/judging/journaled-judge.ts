import type { Asker, Model } from "@zephyr/aif";
import type { Generate } from "@zephyr/data";

/**
 * A judge behind `@zephyr/aif`'s journal and budget: an answer that is in the journal is not asked again, and no call
 * leaves that could break the budget.
 *
 * @example
 * const asker = await createAsker({ models: [model], journal: "runs/judge.journal", budgetUsd: 5 });
 * const result = await compare({ a, b, judge: journaledJudge(asker, model) });
 */
export function journaledJudge(asker: Pick<Asker, "ask">, model: Model): Generate {
  return async (messages, options = {}) => {
    const { maxTokens, temperature, topP, seed = 0 } = options;
    const entry = await asker.ask({ model, messages, sample: seed, maxTokens, temperature, topP });
    return {
      content: entry.content,
      model: entry.served_model ?? model.name,
      finishReason: entry.finish_reason,
      ...(entry.usage ? { usage: entry.usage } : {}),
    };
  };
}
