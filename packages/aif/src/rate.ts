import {
  type CompletionsRow,
  type Generate,
  type Message,
  type Random,
  type RatedCompletion,
  type RatedRow,
  randomFor,
  type Transform,
} from "@zephyr/data";
import type { Asker } from "./ask.ts";
import { RequestError } from "./client/errors.ts";
import type { JsonSchema, Model } from "./model.ts";
import { asModels } from "./named-model.ts";
import { RatingParseError } from "./parse-rating.ts";
import { parseCritiqueReply, parseListwiseReply, parsePairwiseReply, type Verdict } from "./parse-reply.ts";
import { settleAll } from "./row-failure.ts";
import {
  aspectPrompt,
  aspectSchema,
  CRITIQUE_SCHEMA,
  correctionTurns,
  critiquePrompt,
  PAIRWISE_SCHEMA,
  pairwisePrompt,
} from "./rubrics/prompts.ts";
import { type Aspect, type Rubric, topOf } from "./rubrics/rubric.ts";
import { ULTRAFEEDBACK } from "./rubrics/ultrafeedback.ts";
import { drawKey } from "./sampling/sample.ts";
import { type StageOptions, stage } from "./stage.ts";

export interface RateOptions extends StageOptions {
  judge: Model | Generate;
  rubric?: "ultrafeedback" | Rubric | undefined;
  /** How often each verdict is asked for, every time in another order; ratings are averaged. Default 1. */
  repeats?: number | undefined;
}

/** A judge's reply as it came, and which completion stood where: `order[i]` is the index of the i-th text shown. */
export interface JudgeReply {
  aspect: string;
  repeat: number;
  order: number[];
  reply: string;
}

/** A rated row keeps what the judge wrote. */
export type JudgedRow = RatedRow & { judge_replies: JudgeReply[] };

/**
 * Has a judge rate every completion: each aspect in one call over all completions of a row (their order shuffled by seed),
 * and a critique with an overall score per completion. A rating is a number on its scale, "N/A", or the row fails after one
 * correction turn; the raw replies are kept in `judge_replies`.
 *
 * @example pipe(completionsRows, rate({ judge, rubric: "ultrafeedback", seed: 0 }))
 */
export function rate<R extends { completions?: unknown }>(
  options: RateOptions,
): Transform<R, Omit<R, "completions"> & JudgedRow> {
  const { rubric = "ultrafeedback", repeats = 1, seed = 0 } = options;
  const [judge] = asModels("rate", [options.judge]) as [Model];
  const chosen = rubric === "ultrafeedback" ? ULTRAFEEDBACK : rubric;
  if (!Number.isInteger(repeats) || repeats < 1)
    throw new RangeError(`rate: repeats is ${repeats}; must be a whole number from 1 up`);
  return (rows) =>
    stage("rate", rows as AsyncIterable<R & CompletionsRow>, [judge], options, async (row, place, asker) => {
      const calls = planJudgements(row, place, chosen, repeats, seed);
      const { values, failures } = await settleAll(calls.map((call) => judgeOnce(call, judge, asker)));
      if (failures.length > 0) return { failures };
      return { row: { ...row, ...merge(row.completions, values as Judgement[]) } as Omit<R, "completions"> & JudgedRow };
    });
}

/** One call to the judge. */
export interface JudgeCall {
  aspect: string;
  repeat: number;
  order: number[];
  messages: Message[];
  schema: JsonSchema;
  parse(reply: string): Verdict[];
}

interface Judgement extends JudgeCall {
  reply: string;
  verdicts: Verdict[];
}

/** The aspect name under which critiques are kept. */
const CRITIQUE = "critique";

/** All calls that one row needs, a function of the seed and the row alone. */
export function planJudgements(
  row: CompletionsRow,
  place: string,
  { aspects, critique }: Rubric,
  repeats: number,
  seed: number,
): JudgeCall[] {
  checkCompletions(row, place);
  const isPairwise = Object.values(aspects).some(({ output }) => output === "pairwise");
  if (isPairwise && row.completions.length < 2)
    throw new TypeError(`${place}: has 1 completion; a pairwise aspect needs at least 2`);

  const indices = row.completions.map((_, i) => i);
  const calls: JudgeCall[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const [name, aspect] of Object.entries(aspects)) {
      const random = randomFor(seed, drawKey("rate", row.prompt_id, name, repeat));
      for (const order of ordersOf(aspect, indices, random)) calls.push(aspectCall(row, name, aspect, order, repeat, random));
    }
    if (critique === null) continue;
    for (const i of indices) {
      const { content, system_prompt } = row.completions[i]!;
      const messages = critiquePrompt(
        critique.instructions,
        row,
        content,
        system_prompt,
        randomFor(seed, drawKey("critique", row.prompt_id, i, repeat)),
      );
      calls.push({ aspect: CRITIQUE, repeat, order: [i], messages, schema: CRITIQUE_SCHEMA, parse: critiqueVerdict });
    }
  }
  return calls;
}

function aspectCall(
  row: CompletionsRow,
  name: string,
  aspect: Aspect,
  order: number[],
  repeat: number,
  random: Random,
): JudgeCall {
  const texts = order.map((i) => row.completions[i]!.content);
  const top = topOf(aspect);
  const call = { aspect: name, repeat, order };
  if (aspect.output === "pairwise") {
    const messages = pairwisePrompt(titleOf(name), aspect, row, texts as [string, string], random);
    return { ...call, messages, schema: PAIRWISE_SCHEMA, parse: (reply) => parsePairwiseReply(reply, top) };
  }
  return {
    ...call,
    messages: aspectPrompt(titleOf(name), aspect, row, texts, random),
    schema: aspectSchema(texts.length, aspect),
    parse: (reply) => parseListwiseReply(reply, texts.length, top),
  };
}

/** Which texts are shown together, and in which order: all shuffled, each alone, or every two both ways round. */
function ordersOf({ output }: Aspect, indices: number[], random: Random): number[][] {
  if (output === "single") return indices.map((i) => [i]);
  if (output === "listwise") return [random.shuffle(indices)];
  return indices.flatMap((i) => indices.filter((j) => j !== i).map((j) => [i, j]));
}

function critiqueVerdict(reply: string): Verdict[] {
  const { critique, overallScore } = parseCritiqueReply(reply);
  return [{ rating: overallScore, rationale: critique }];
}

/** Asks, and asks once more with the problem named when the reply cannot be read. */
async function judgeOnce(call: JudgeCall, judge: Model, asker: Asker): Promise<Judgement> {
  const { messages, repeat, schema, parse } = call;
  const first = await wholeReply(messages, repeat, schema, judge, asker);
  try {
    return { ...call, reply: first, verdicts: parse(first) };
  } catch (error) {
    if (!(error instanceof RatingParseError)) throw error;
    const second = await wholeReply([...messages, ...correctionTurns(first, error.message)], repeat, schema, judge, asker);
    try {
      return { ...call, reply: second, verdicts: parse(second) };
    } catch (last) {
      if (!(last instanceof RatingParseError)) throw last;
      const message = `${judge.name}: the reply on ${call.aspect} cannot be read, also after a correction turn: ${last.message}`;
      throw new RequestError("unparsable", message, { model: judge.name, raw: last.raw, cause: last });
    }
  }
}

/** A reply cut at its token limit is asked for once more with twice the tokens. */
async function wholeReply(
  messages: Message[],
  sample: number,
  responseSchema: JsonSchema,
  judge: Model,
  asker: Asker,
): Promise<string> {
  const { maxTokens, temperature = 0 } = judge.defaults;
  const question = { model: judge, messages, sample, temperature, responseSchema };
  const first = await asker.ask({ ...question, maxTokens });
  if (first.finish_reason !== "length") return first.content;
  const second = await asker.ask({ ...question, maxTokens: 2 * maxTokens });
  if (second.finish_reason !== "length") return second.content;
  throw new RequestError("length", `${judge.name}: the reply is cut at ${2 * maxTokens} tokens; raise max_tokens of the judge`, {
    model: judge.name,
    raw: second.content,
  });
}

/** Puts verdicts back to the completions they are about. */
function merge(
  completions: RatedCompletion[],
  judgements: Judgement[],
): { completions: RatedCompletion[]; judge_replies: JudgeReply[] } {
  const rated = completions.map((completion, i) => {
    const verdictsOf = (aspect: string): Verdict[] =>
      judgements
        .filter((judgement) => judgement.aspect === aspect && judgement.order.includes(i))
        .map(({ order, verdicts }) => verdicts[order.indexOf(i)]!);
    const aspects = [...new Set(judgements.map(({ aspect }) => aspect))].filter((aspect) => aspect !== CRITIQUE);
    const annotations = Object.fromEntries(aspects.map((aspect) => [aspect, average(verdictsOf(aspect))]));
    const critiques = verdictsOf(CRITIQUE);
    if (critiques.length === 0) return { ...completion, annotations };
    const { rating, rationale } = average(critiques);
    return { ...completion, annotations, critique: rationale, overall_score: rating as number };
  });
  return {
    completions: rated,
    judge_replies: judgements.map(({ aspect, repeat, order, reply }) => ({ aspect, repeat, order, reply })),
  };
}

/** The mean of repeated ratings, "N/A" if most are; the rationale is the first verdict's. */
function average(verdicts: Verdict[]): Verdict {
  const [first] = verdicts as [Verdict, ...Verdict[]];
  if (verdicts.length === 1) return first;
  const numbers = verdicts.map(({ rating }) => rating).filter((rating) => rating !== "N/A");
  const rating =
    numbers.length * 2 < verdicts.length || numbers.length === 0
      ? "N/A"
      : numbers.reduce((sum, n) => sum + n, 0) / numbers.length;
  return { ...first, rating };
}

function titleOf(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function checkCompletions(row: CompletionsRow, place: string): void {
  const { completions } = row;
  const isGood =
    Array.isArray(completions) &&
    completions.length > 0 &&
    completions.every((completion) => typeof completion?.content === "string");
  if (!isGood)
    throw new TypeError(
      `${place}: completions is ${JSON.stringify(completions)?.slice(0, 80) ?? "missing"}; rate needs rows that complete wrote`,
    );
}
