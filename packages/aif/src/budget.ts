import type { Message, Usage } from "@zephyr/data";
import { RequestError } from "./client/errors.ts";
import type { Price } from "./model.ts";
import { estimatePromptTokens, estimateTokens, mostTokens, type PromptSize, promptSize } from "./token-estimate.ts";

/** A hard cap in US dollars that counts requests in flight at the most they can cost. */
export interface Budget {
  /** Waits until the worst case fits under the cap, counting all that is in flight; rejects with a "budget" error when it never will. */
  reserve(model: string, price: Price | undefined, messages: Message[], maxTokens: number): Promise<Reservation>;
  spentUsd(): number;
}

export interface Reservation {
  /** Replaces the worst case by what the request cost, and returns that. */
  settle(usage: Usage): number;
  /** The request cost nothing. */
  release(): void;
}

const FEW_REPLIES = 16;
const HEADROOM = 1.25;

/**
 * Starts a budget; without a cap it only counts. `alreadySpent` is what earlier runs on the same journal cost.
 *
 * The first request to a model with a cap goes alone: it shows how the provider counts tokens before many are in flight.
 */
export function createBudget(capUsd: number | undefined, alreadySpent: () => number = () => 0): Budget {
  if (capUsd !== undefined && !(capUsd >= 0))
    throw new RangeError(`createBudget: budget of ${capUsd} US dollars; must be 0 or more`);
  const models = new Map<string, { replies: number; tokensPerByte: number; trial: boolean }>();
  const waiting: (() => void)[] = [];
  let spent = alreadySpent();
  let reserved = 0;

  const wakeAll = (): void => {
    for (const wake of waiting.splice(0)) wake();
  };

  function worstPrompt(seen: { replies: number; tokensPerByte: number }, prompt: PromptSize): number {
    const learnt = Math.ceil(prompt.bytes * seen.tokensPerByte * HEADROOM) + 16 * prompt.messages;
    return seen.replies < FEW_REPLIES ? Math.max(mostTokens(prompt), learnt) : learnt;
  }

  async function reserve(model: string, price: Price | undefined, messages: Message[], maxTokens: number): Promise<Reservation> {
    const seen = models.get(model) ?? { replies: 0, tokensPerByte: 0, trial: false };
    models.set(model, seen);
    const prompt = promptSize(messages);
    if (capUsd === undefined || price === undefined) return reservation(0, price, seen, prompt);
    for (;;) {
      const worst = costOf(price, { prompt_tokens: worstPrompt(seen, prompt), completion_tokens: maxTokens });
      const mustWait = seen.replies === 0 && seen.trial;
      if (!mustWait && spent + reserved + worst <= capUsd) {
        seen.trial = true;
        reserved += worst;
        return reservation(worst, price, seen, prompt);
      }
      if (reserved === 0) throw overBudget(model, worst);
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  }

  function reservation(
    worst: number,
    price: Price | undefined,
    seen: { replies: number; tokensPerByte: number; trial: boolean },
    prompt: PromptSize,
  ): Reservation {
    return {
      settle(usage) {
        const cost = price === undefined ? 0 : costOf(price, usage);
        seen.replies++;
        seen.tokensPerByte = Math.max(seen.tokensPerByte, usage.prompt_tokens / Math.max(1, prompt.bytes));
        reserved = reserved - worst < 1e-12 ? 0 : reserved - worst;
        spent += cost;
        wakeAll();
        return cost;
      },
      release() {
        reserved = reserved - worst < 1e-12 ? 0 : reserved - worst;
        if (seen.replies === 0) seen.trial = false;
        wakeAll();
      },
    };
  }

  function overBudget(model: string, worst: number): RequestError {
    const message = `budget: ${spent.toFixed(4)} of ${capUsd} US dollars are spent and the next request to ${model} may cost ${worst.toFixed(4)}; raise budget_usd and resume`;
    return new RequestError("budget", message, { model });
  }

  return { reserve, spentUsd: () => spent };
}

/** What tokens cost, in US dollars. */
export function costOf(price: Price, usage: Usage): number {
  return (usage.prompt_tokens * price.inputPerMillion + usage.completion_tokens * price.outputPerMillion) / 1e6;
}

/** What a reply without usage is taken to have used. */
export function estimateUsage(messages: Message[], content: string): Usage {
  return { prompt_tokens: estimatePromptTokens(messages), completion_tokens: estimateTokens(content) };
}
