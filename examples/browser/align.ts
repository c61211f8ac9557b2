import { binarize } from "@zephyr/binarize";
import {
  collatePreferences,
  collateSequences,
  collectRows,
  type PreferenceRow,
  type PromptRow,
  pipe,
  type RatedRow,
  randomFor,
  rowsOf,
  shuffleRows,
  type TokenizedPreferenceRow,
  type Tokenizer,
  tokenizeDialogues,
  tokenizePreferences,
  tokenizerFromJson,
} from "@zephyr/data";
import { dpo } from "@zephyr/losses";
import {
  createGenerator,
  createModel,
  type Device,
  type Policy,
  parseModelConfig,
  referenceLogps,
  type TrainingStep,
  trainPreference,
  trainSft,
} from "@zephyr/train-webgpu";
import { meanRating } from "../../recipes/tiny/rater/judge-reply.ts";
import { rateAnswer } from "../../recipes/tiny/rater/rate-answer.ts";
import tokenizerJson from "../../recipes/tiny/tokenizer/tokenizer.json" with { type: "json" };
import tokenizerConfig from "../../recipes/tiny/tokenizer/tokenizer_config.json" with { type: "json" };
import { makeWorld, type World } from "../../recipes/tiny/world/make-world.ts";
import {
  FEEDBACK_PROMPTS,
  HELD_OUT_PROMPTS,
  MAX_ANSWER_TOKENS,
  PAGE_DPO,
  PAGE_MODEL,
  PAGE_SFT,
  SEED,
  TEMPERATURES,
} from "./settings.ts";

export type StageName = "dSFT" | "answers" | "pairs" | "dDPO" | "result";

/** An answer to a held-out prompt, with the rater's mean over four aspects, 1 to 5. */
export interface RatedAnswer {
  content: string;
  rating: number;
}

/** A held-out prompt and what the model answers before and after dDPO. */
export interface Sample {
  prompt: PromptRow["prompt"];
  before: RatedAnswer;
  after: RatedAnswer | undefined;
}

/** What happens while the page aligns its model, in order. */
export type AlignEvent =
  | { kind: "stage"; stage: StageName; done: number; total: number }
  | { kind: "step"; stage: "dSFT" | "dDPO"; step: TrainingStep }
  | { kind: "pair"; pair: PreferenceRow; pairs: number; prompts: number }
  | { kind: "samples"; samples: Sample[] };

/**
 * The recipe on the tiny world: dSFT from random weights, four answers to each feedback prompt, ratings, binarization, dDPO against the
 * dSFT model, and answers to held-out prompts before and after. Ends with the signal's reason when it is aborted.
 */
export async function* align(device: Device, signal: AbortSignal): AsyncGenerator<AlignEvent> {
  const world = makeWorld(SEED);
  const tokenizer = tokenizerFromJson(tokenizerJson, tokenizerConfig);
  const config = parseModelConfig({ ...PAGE_MODEL, vocab_size: tokenizer.vocabSize });
  using policy = await createModel(device, config, { seed: SEED, tokenizer });
  yield* superviseFrom(world, policy, tokenizer, signal);
  const before = await answersToHeldOut(policy, world, signal);
  const samples = before.map((answer, i): Sample => ({ prompt: world.evalPrompts[i]!.prompt, before: answer, after: undefined }));
  yield { kind: "samples", samples };
  const rated = yield* ratedAnswers(policy, world, signal);
  const pairs = await preferencePairs(rated);
  if (pairs.length === 0) {
    throw new RangeError(
      `align: the answers to all ${rated.length} questions were rated alike, so there is no pair; train dSFT longer`,
    );
  }
  yield { kind: "pair", pair: clearest(pairs), pairs: pairs.length, prompts: rated.length };
  yield* prefer(pairs, policy, tokenizer, signal);
  yield { kind: "stage", stage: "result", done: 0, total: 1 };
  const after = await answersToHeldOut(policy, world, signal);
  yield { kind: "samples", samples: samples.map((sample, i) => ({ ...sample, after: after[i] })) };
  yield { kind: "stage", stage: "result", done: 1, total: 1 };
}

/** dSFT on the teacher's dialogues, learning the teacher's answers only. */
async function* superviseFrom(
  { dialogues }: World,
  policy: Policy,
  tokenizer: Tokenizer,
  signal: AbortSignal,
): AsyncGenerator<AlignEvent> {
  const { tokensPerBatch, dialogues: count, ...options } = PAGE_SFT;
  const tokenize = tokenizeDialogues(tokenizer, { assistantOnlyLoss: true });
  const rows = rowsOf(await collectRows(pipe(rowsOf(dialogues.slice(0, count)), tokenize)));
  const batches = (epoch: number) => pipe(rows, shuffleRows({ seed: SEED + epoch }), collateSequences({ tokensPerBatch }));
  yield* stepsOf("dSFT", trainSft({ policy, batches, seed: SEED, ...options }), signal);
}

/** Direct preference optimization; the reference's log-probabilities are taken before the policy moves. */
async function* prefer(
  pairs: PreferenceRow[],
  policy: Policy,
  tokenizer: Tokenizer,
  signal: AbortSignal,
): AsyncGenerator<AlignEvent> {
  const { pairsPerBatch, beta, ...options } = PAGE_DPO;
  const tokenize = tokenizePreferences(tokenizer, { maxLength: 256 });
  const scored = pipe(rowsOf(pairs), tokenize, referenceLogps<TokenizedPreferenceRow>(policy, { pairsPerBatch: 32 }));
  const rows = rowsOf(await collectRows(scored));
  const batches = (epoch: number) => pipe(rows, shuffleRows({ seed: SEED + epoch }), collatePreferences({ pairsPerBatch }));
  yield* stepsOf("dDPO", trainPreference({ policy, batches, loss: dpo({ beta }), seed: SEED, ...options }), signal);
}

async function* stepsOf(
  stage: "dSFT" | "dDPO",
  training: AsyncIterable<TrainingStep>,
  signal: AbortSignal,
): AsyncGenerator<AlignEvent> {
  for await (const step of training) {
    yield { kind: "step", stage, step };
    yield { kind: "stage", stage, done: step.step, total: step.totalSteps };
    signal.throwIfAborted();
  }
}

/** Four answers of the model to each feedback prompt, rated on four aspects. */
async function* ratedAnswers(policy: Policy, world: World, signal: AbortSignal): AsyncGenerator<AlignEvent, RatedRow[]> {
  using generator = createGenerator(policy, { slots: 64, maxLength: 192 });
  const rows: RatedRow[] = [];
  const prompts = world.feedbackPrompts
    .slice(0, FEEDBACK_PROMPTS)
    .map((row, i) => ({ ...row, prompt_id: row.prompt_id ?? String(i) }));
  const atOnce = 16;
  for (let start = 0; start < prompts.length; start += atOnce) {
    yield { kind: "stage", stage: "answers", done: start, total: prompts.length };
    const group = prompts.slice(start, start + atOnce);
    rows.push(...(await Promise.all(group.map((row) => rateAnswers(row, generator.generate, signal)))));
  }
  yield { kind: "stage", stage: "answers", done: prompts.length, total: prompts.length };
  return rows;
}

type Generate = ReturnType<typeof createGenerator>["generate"];

async function rateAnswers(row: PromptRow & { prompt_id: string }, generate: Generate, signal: AbortSignal): Promise<RatedRow> {
  const messages = conversation(row.prompt);
  const completions = await Promise.all(
    TEMPERATURES.map(async (temperature) => {
      const seed = randomFor(SEED, `${row.prompt_id} ${temperature}`).integer(2 ** 31);
      const { content } = await generate(messages, { temperature, seed, maxTokens: MAX_ANSWER_TOKENS, signal });
      const { aspects, overallScore } = rateAnswer(row.prompt, content);
      return { model: `temperature ${temperature}`, content, annotations: aspects, overall_score: overallScore };
    }),
  );
  return { ...row, completions };
}

/** The paper's rule: the best mean is chosen, a random other is rejected. Pairs of equal scores teach nothing. */
async function preferencePairs(rated: RatedRow[]): Promise<PreferenceRow[]> {
  const pairs = await collectRows(pipe(rowsOf(rated), binarize({ preset: "zephyr-paper", seed: SEED })));
  return pairs.filter(({ score_chosen, score_rejected }) => score_chosen! > score_rejected!);
}

const clearest = (pairs: PreferenceRow[]): PreferenceRow =>
  pairs.reduce((best, pair) => (gap(pair) > gap(best) ? pair : best), pairs[0]!);
const gap = ({ score_chosen, score_rejected }: PreferenceRow): number => score_chosen! - score_rejected!;

/** The likeliest answers to prompts that neither dialogues nor feedback hold. */
async function answersToHeldOut(policy: Policy, { evalPrompts }: World, signal: AbortSignal): Promise<RatedAnswer[]> {
  using generator = createGenerator(policy, { slots: HELD_OUT_PROMPTS, maxLength: 192 });
  return await Promise.all(
    evalPrompts.slice(0, HELD_OUT_PROMPTS).map(async ({ prompt }) => {
      const options = { temperature: 0, maxTokens: MAX_ANSWER_TOKENS, signal };
      const { content } = await generator.generate(conversation(prompt), options);
      return { content, rating: meanRating(rateAnswer(prompt, content)) };
    }),
  );
}

const conversation = (prompt: PromptRow["prompt"]) =>
  typeof prompt === "string" ? [{ role: "user" as const, content: prompt }] : prompt;
