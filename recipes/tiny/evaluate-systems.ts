import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Model, rate } from "@zephyr/aif";
import {
  type CompletionsRow,
  collatePreferences,
  collectRows,
  type PromptRow,
  pipe,
  type RatedRow,
  readRows,
  rowsOf,
  type TokenizedPreferenceRow,
  writeRows,
} from "@zephyr/data";
import { type Answer, type Comparison, compare, fileReplies, meanInterval, preferenceAccuracy } from "@zephyr/eval";
import { createGenerator, createScorer, type Device, loadModel } from "@zephyr/train-webgpu";
import { RUBRIC, seeded } from "./collect-feedback.ts";
import { startProgress } from "./progress.ts";
import { DPO, SEED } from "./settings.ts";
import { type Stages, writeWhole } from "./stages.ts";

export const SYSTEMS = [
  { name: "dSFT", folder: "dsft" },
  { name: "dDPO without dSFT", folder: "ddpo-without-dsft" },
  { name: "dDPO + dSFT", folder: "ddpo" },
] as const;

export interface SystemResult {
  name: string;
  /** Share of held-out prompts won against dSFT, ties half; 0.5 for dSFT itself. */
  win_rate: number;
  ci95: [number, number];
  /** Mean of the four aspects' ratings, 1 to 5. */
  rating: number;
  rating_ci95: [number, number];
  /** Share of held-out pairs whose chosen answer has the higher implicit reward; none for dSFT, which is the reference. */
  reward_accuracy?: number;
  reward_accuracy_ci95?: [number, number];
}

export interface Evaluation {
  prompts: number;
  systems: SystemResult[];
  comparisons: Comparison[];
}

const PAIRS = [
  ["dDPO + dSFT", "dSFT"],
  ["dDPO + dSFT", "dDPO without dSFT"],
  ["dDPO without dSFT", "dSFT"],
] as const;

/** Answers of every system to the held-out prompts, judged in pairs (both orders), rated alone, and reward accuracy. */
export async function evaluateSystems(device: Device, output: string, stages: Stages, judge: Model): Promise<Evaluation> {
  const path = join(output, "evaluation.json");
  for (const system of SYSTEMS) {
    await stages.run(`held-out answers: ${system.name}`, () => answerHeldOut(device, output, system));
  }
  await stages.run("judging", async () => {
    const progress = startProgress("judging");
    const answers = new Map<string, Answer[]>();
    for (const { name, folder } of SYSTEMS)
      answers.set(name, await collectRows(readRows<Answer>(join(output, `data/answers-${folder}.jsonl`))));
    const comparisons: Comparison[] = [];
    for (const [a, b] of PAIRS) {
      using replies = fileReplies(join(output, `journals/judge ${a} against ${b}.jsonl`));
      const sets = { a: { name: a, answers: answers.get(a)! }, b: { name: b, answers: answers.get(b)! } };
      comparisons.push(await compare({ ...sets, judge, replies, concurrency: 32 }));
      progress.update(comparisons.length, PAIRS.length);
    }
    const systems: SystemResult[] = [];
    for (const system of SYSTEMS)
      systems.push(await resultOf(device, output, judge, system, answers.get(system.name)!, comparisons));
    const evaluation: Evaluation = { prompts: comparisons[0]!.prompts, systems, comparisons };
    writeWhole(path, `${JSON.stringify(evaluation, null, 2)}\n`);
    progress.end(`${PAIRS.length} comparisons on ${evaluation.prompts} held-out prompts, both orders`);
    return `${evaluation.prompts} prompts`;
  });
  return JSON.parse(readFileSync(path, "utf8")) as Evaluation;
}

async function answerHeldOut(device: Device, output: string, { name, folder }: (typeof SYSTEMS)[number]): Promise<string> {
  using policy = await loadModel(device, join(output, folder));
  using generator = createGenerator(policy, { slots: 64, maxLength: 192 });
  const generate = seeded(name, generator.generate, 0);
  const prompts = await collectRows(readRows<PromptRow & { prompt_id: string }>(join(output, "data/eval-prompts.jsonl")));
  const progress = startProgress(`held-out answers: ${name}`);
  let done = 0;
  const answers = await Promise.all(
    prompts.map(async ({ prompt_id, prompt, source }) => {
      const messages = typeof prompt === "string" ? [{ role: "user", content: prompt }] : prompt;
      const { content } = await generate(messages);
      progress.update(++done, prompts.length);
      return { prompt_id, prompt, source, content };
    }),
  );
  await writeRows(join(output, `data/answers-${folder}.jsonl`), rowsOf(answers));
  progress.end(`${answers.length} answers`);
  return `${answers.length} answers`;
}

async function resultOf(
  device: Device,
  output: string,
  judge: Model,
  { name, folder }: (typeof SYSTEMS)[number],
  answers: Answer[],
  comparisons: Comparison[],
): Promise<SystemResult> {
  const rows: CompletionsRow[] = answers.map(({ prompt_id, prompt, content }) => ({
    prompt_id,
    prompt,
    completions: [{ model: name, content }],
  }));
  const rated = await collectRows(
    pipe(rowsOf(rows), rate({ judge, rubric: RUBRIC, seed: SEED, journal: join(output, `journals/ratings ${folder}`) })),
  );
  const rating = meanInterval(rated.map(meanRating));
  const against = comparisons.find(({ a, b }) => a === name && b === "dSFT");
  const accuracy = folder === "dsft" ? undefined : await rewardAccuracy(device, output, folder);
  return {
    name,
    win_rate: against?.win_rate ?? 0.5,
    ci95: against?.ci95 ?? [0.5, 0.5],
    rating: rating.mean,
    rating_ci95: [rating.lo, rating.hi],
    ...(accuracy && { reward_accuracy: accuracy.accuracy, reward_accuracy_ci95: accuracy.accuracy_ci }),
  };
}

function meanRating(row: RatedRow): number {
  const ratings = Object.values(row.completions[0]!.annotations ?? {}).flatMap(({ rating }) =>
    rating === "N/A" ? [] : [rating],
  );
  return ratings.reduce((sum, rating) => sum + rating, 0) / ratings.length;
}

/** Implicit rewards beta (log pi - log pi_ref) of the held-out pairs. */
async function rewardAccuracy(device: Device, output: string, folder: string) {
  using policy = await loadModel(device, join(output, folder));
  using scorer = createScorer(policy);
  const rewards: { chosen_reward: number; rejected_reward: number }[] = [];
  const rows = readRows<TokenizedPreferenceRow>(join(output, `data/${folder}-test.jsonl`));
  for await (const batch of pipe(rows, collatePreferences({ pairsPerBatch: 32 }))) {
    const { sequenceLogps } = await scorer.score(batch);
    for (let i = 0; i < batch.pairs; i++) {
      rewards.push({
        chosen_reward: DPO.beta * (sequenceLogps[i]! - batch.refChosenLogps![i]!),
        rejected_reward: DPO.beta * (sequenceLogps[batch.pairs + i]! - batch.refRejectedLogps![i]!),
      });
    }
  }
  return preferenceAccuracy(rewards);
}
