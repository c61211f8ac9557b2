import type { Message, PromptRow } from "@zephyr/data";
import { costOf } from "../budget.ts";
import type { Model } from "../model.ts";
import { onceById, promptIdOf } from "../prompt-id.ts";
import { estimatePromptTokens, mostTokens, promptSize } from "../token-estimate.ts";

/** A request that a run is going to send. */
export interface PlannedRequest {
  model: Model;
  messages: Message[];
}

/** What a run is going to cost: low and high ends. */
export interface Estimate {
  rows: number;
  duplicates: number;
  requests: number;
  prompt_tokens: [number, number];
  completion_tokens: [number, number];
  /** US dollars; null when a model has no price. */
  cost_usd: [number, number] | null;
  models: Record<string, { requests: number; cost_usd: [number, number] | null }>;
}

/** Replies are rarely shorter than this part of `max_tokens`. */
const SHORTEST_REPLY = 1 / 16;

/**
 * Reads all rows once before anything is sent: finds bad rows and clashing ids while they cost nothing, and adds up what the
 * run will ask for.
 */
export async function surveyRows<R extends PromptRow>(
  where: string,
  rows: AsyncIterable<R>,
  plan: (row: R & { prompt_id: string }, place: string) => PlannedRequest[],
): Promise<Estimate> {
  const estimate: Estimate = {
    rows: 0,
    duplicates: 0,
    requests: 0,
    prompt_tokens: [0, 0],
    completion_tokens: [0, 0],
    cost_usd: [0, 0],
    models: {},
  };
  const once = onceById(where);
  let index = 0;
  for await (const row of rows) {
    const prompt_id = promptIdOf(row);
    const isNew = once(prompt_id, row, index);
    index++;
    if (!isNew) {
      estimate.duplicates++;
      continue;
    }
    estimate.rows++;
    const place = `${where}: row ${index} (prompt_id ${JSON.stringify(prompt_id)})`;
    for (const request of plan({ ...row, prompt_id }, place)) addRequest(estimate, request);
  }
  return estimate;
}

function addRequest(estimate: Estimate, { model, messages }: PlannedRequest): void {
  const { maxTokens } = model.defaults;
  const prompt = [estimatePromptTokens(messages), mostTokens(promptSize(messages))] as const;
  const completion = [Math.ceil(maxTokens * SHORTEST_REPLY), maxTokens] as const;
  estimate.models[model.name] ??= { requests: 0, cost_usd: [0, 0] };
  const own = estimate.models[model.name]!;
  estimate.requests++;
  own.requests++;
  for (const end of [0, 1] as const) {
    estimate.prompt_tokens[end] += prompt[end];
    estimate.completion_tokens[end] += completion[end];
    const cost =
      model.price === undefined
        ? undefined
        : costOf(model.price, { prompt_tokens: prompt[end], completion_tokens: completion[end] });
    own.cost_usd = plus(own.cost_usd, end, cost);
    estimate.cost_usd = plus(estimate.cost_usd, end, cost);
  }
}

function plus(range: [number, number] | null, end: 0 | 1, cost: number | undefined): [number, number] | null {
  if (range === null || cost === undefined) return null;
  range[end] += cost;
  return range;
}
