import type { Message } from "@zephyr/data";
import { type Budget, createBudget, estimateUsage } from "./budget.ts";
import { isRequestError, policyOf, RequestError } from "./client/errors.ts";
import { type Journal, openJournal, temporaryJournal } from "./journal/journal.ts";
import type { AnswerEntry, JournalEntry } from "./journal/record.ts";
import { questionKey } from "./journal/request-key.ts";
import type { JsonSchema, Model, ModelCompletion, ModelOptions } from "./model.ts";

/** Counted from the moment the run started, resumed answers apart. */
export interface AskTotals {
  /** Answers that came over the wire in this run. */
  answered: number;
  /** Answers that an earlier run had got. */
  resumed: number;
  failed: number;
  promptTokens: number;
  completionTokens: number;
  /** Answers without a usable `usage`, whose cost is estimated. */
  estimated: number;
  costUsd: number;
}

/** One question to one model. */
export interface Ask {
  model: Model;
  messages: Message[];
  /** Tells otherwise equal requests apart: the n-th sample, the n-th repeat. */
  sample: number;
  maxTokens?: number | undefined;
  temperature?: number | undefined;
  topP?: number | undefined;
  responseSchema?: JsonSchema | undefined;
}

/** Asks each question once: from the journal if it was answered, else over the wire and into the journal. */
export interface Asker {
  ask(question: Ask): Promise<AnswerEntry>;
  totals: Map<string, AskTotals>;
  warnings: Map<string, number>;
  spentUsd(): number;
  close(): Promise<void>;
}

/** What an asker shares: models, journal, budget, and how it reports. */
export interface AskerOptions {
  models: readonly Model[];
  /** A folder, or a journal that several stages share; left out, answers are kept until the process ends. */
  journal?: string | Journal | undefined;
  /** Hard cap, in US dollars. */
  budgetUsd?: number | undefined;
  /** Stops sending what has not been sent yet. */
  drain?: AbortSignal | undefined;
  /** Cuts what is on the wire, too. */
  signal?: AbortSignal | undefined;
}

/** Opens the journal and starts counting; throws a RangeError for a budget with a model that has no price. */
export async function createAsker({ models, journal: given, budgetUsd, drain, signal }: AskerOptions): Promise<Asker> {
  checkPrices(models, budgetUsd);
  const isOurs = given === undefined || typeof given === "string";
  const journal = !isOurs ? given : given === undefined ? await temporaryJournal() : await openJournal(given as string);
  const budget = createBudget(budgetUsd, () => journal.spentUsd());
  // A journal that cannot be written stops what has not been sent.
  const halt = new AbortController();
  const signals = { drain: drain === undefined ? halt.signal : AbortSignal.any([drain, halt.signal]), signal };
  const pending = new Map<string, Promise<AnswerEntry>>();
  const totals = new Map(models.map(({ name }) => [name, emptyTotals()]));
  const warnings = new Map<string, number>();
  for (const model of models) model.reopen();
  if (journal.damage.corruptRecords > 0)
    warnings.set("journal records were corrupt and are asked again", journal.damage.corruptRecords);

  async function answer(key: string, question: Ask): Promise<AnswerEntry> {
    const total = totals.get(question.model.name)!;
    const known = journal.get(key);
    if (known !== undefined) {
      total.resumed++;
      return answerOrThrow(known, question.model.name);
    }
    const failure = journal.failure();
    if (failure !== undefined) throw failure;
    try {
      return answerOrThrow(await send(key, question, { journal, budget, total, warnings }, signals), question.model.name);
    } catch (error) {
      if (isRequestError(error) && error.kind === "journal") halt.abort();
      throw error;
    }
  }

  return {
    ask(question) {
      const key = keyOf(question);
      const running = pending.get(key);
      if (running !== undefined) return running;
      const mine = answer(key, question).finally(() => pending.delete(key));
      pending.set(key, mine);
      return mine;
    },
    totals,
    warnings,
    spentUsd: () => budget.spentUsd(),
    close: async () => {
      if (isOurs) await journal.close();
    },
  };
}

interface Books {
  journal: Journal;
  budget: Budget;
  total: AskTotals;
  warnings: Map<string, number>;
}

async function send(
  key: string,
  question: Ask,
  books: Books,
  signals: { drain?: AbortSignal | undefined; signal?: AbortSignal | undefined },
): Promise<JournalEntry> {
  const { model, messages } = question;
  const { journal, budget, total, warnings } = books;
  const maxTokens = question.maxTokens ?? model.defaults.maxTokens;
  const reservation = await budget.reserve(model.name, model.price, messages, maxTokens);
  try {
    const completion = await model(messages, callOptions(key, question, maxTokens, signals));
    const costUsd = settle(completion, messages, reservation, total);
    total.answered++;
    for (const warning of warningsOf(completion, model)) warnings.set(warning, (warnings.get(warning) ?? 0) + 1);
    const entry = answerEntry(completion);
    await journal.append(key, costUsd, entry);
    return entry;
  } catch (error) {
    if (!isRequestError(error) || error.kind === "journal") throw error;
    const costUsd = error.usage === undefined ? 0 : reservation.settle(error.usage);
    if (error.usage === undefined) reservation.release();
    total.costUsd += costUsd;
    // What the user's wish to stop kept back has not failed; the next run asks it.
    if (error.kind !== "interrupted") total.failed++;
    if (!policyOf(error.kind).answered) throw error;
    const entry: JournalEntry = {
      outcome: "failure",
      kind: error.kind,
      reason: error.message,
      ...(error.raw === undefined ? {} : { raw: error.raw }),
    };
    await journal.append(key, costUsd, entry);
    return entry;
  }
}

function callOptions(
  requestKey: string,
  question: Ask,
  maxTokens: number,
  { drain, signal }: { drain?: AbortSignal | undefined; signal?: AbortSignal | undefined },
): ModelOptions {
  const { temperature, topP, responseSchema } = question;
  return {
    maxTokens,
    requestKey,
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...(responseSchema === undefined ? {} : { responseSchema }),
    ...(drain === undefined ? {} : { drain }),
    ...(signal === undefined ? {} : { signal }),
  };
}

function settle(
  completion: ModelCompletion,
  messages: Message[],
  reservation: { settle(usage: { prompt_tokens: number; completion_tokens: number }): number },
  total: AskTotals,
): number {
  const usage = completion.usage ?? estimateUsage(messages, completion.content);
  if (completion.usage === undefined) total.estimated++;
  const costUsd = reservation.settle(usage);
  total.promptTokens += usage.prompt_tokens;
  total.completionTokens += usage.completion_tokens;
  total.costUsd += costUsd;
  return costUsd;
}

/** The request's identity: what is asked of whom, not where the model is served nor how the reply is framed. */
function keyOf({ model, messages, sample, maxTokens, temperature, topP }: Ask): string {
  const sampling = {
    ...model.defaults,
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
  };
  return questionKey(model, messages, sampling, sample);
}

function answerEntry(completion: ModelCompletion): AnswerEntry {
  const { content, finishReason, usage, servedModel, systemFingerprint } = completion;
  return {
    outcome: "answer",
    content,
    finish_reason: finishReason,
    ...(usage === undefined ? {} : { usage: { prompt_tokens: usage.prompt_tokens, completion_tokens: usage.completion_tokens } }),
    ...(servedModel === undefined ? {} : { served_model: servedModel }),
    ...(systemFingerprint === undefined ? {} : { system_fingerprint: systemFingerprint }),
  };
}

function answerOrThrow(entry: JournalEntry, model: string): AnswerEntry {
  if (entry.outcome === "answer") return entry;
  throw new RequestError(entry.kind, entry.reason, { model, raw: entry.raw });
}

/** A model may answer under a dated form of its name; any other name is worth a warning. */
function warningsOf({ servedModel, warnings = [] }: ModelCompletion, { name, id }: Model): string[] {
  const asked = id.slice(id.indexOf(":") + 1);
  if (servedModel === undefined || servedModel.includes(asked) || asked.includes(servedModel))
    return warnings.map((text) => `${name}: ${text}`);
  return [
    ...warnings.map((text) => `${name}: ${text}`),
    `${name}: asked for ${JSON.stringify(asked)}, answered by ${JSON.stringify(servedModel)}`,
  ];
}

function checkPrices(models: readonly Model[], budgetUsd: number | undefined): void {
  const unpriced = models.filter(({ price }) => price === undefined).map(({ name }) => name);
  if (budgetUsd === undefined || unpriced.length === 0) return;
  throw new RangeError(
    `budget: budget_usd is ${budgetUsd} but ${unpriced.join(", ")} ha${unpriced.length === 1 ? "s" : "ve"} no price; give price.input_per_million and price.output_per_million`,
  );
}

export function emptyTotals(): AskTotals {
  return { answered: 0, resumed: 0, failed: 0, promptTokens: 0, completionTokens: 0, estimated: 0, costUsd: 0 };
}
