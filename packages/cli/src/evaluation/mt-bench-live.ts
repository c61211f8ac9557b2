import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { rowsOf, writeRows } from "@zephyr/data";
import {
  answerQuestions,
  gradeAnswers,
  type JudgePrompt,
  judgePairs,
  type ModelAnswer,
  type PairJudgment,
  type Question,
  type SingleJudgment,
} from "@zephyr/eval";
import { createGenerator } from "@zephyr/train-webgpu";
import { usageError } from "../errors/usage-error.ts";
import type { Interrupt } from "../interrupt/interrupt.ts";
import { openModel } from "../models/open-policy.ts";
import type { Reporter } from "../progress/progress.ts";
import type { Asking } from "./judge-runs.ts";
import { readList } from "./read-list.ts";

export interface MtBenchLiveOptions {
  flags: {
    questions: string | undefined;
    judgePrompts: string | undefined;
    referenceAnswers: string | undefined;
    correctedReferences: string | undefined;
    output: string | undefined;
    model: string | undefined;
    modelAnswers: string[] | undefined;
    judging: "single" | "pair";
    baseline: string | undefined;
    dryRun: boolean;
  };
  interrupt: Interrupt;
  reporter: Reporter;
}

export type Judgment = SingleJudgment | PairJudgment;

/**
 * MT-Bench's questions to a judge about answers that exist or that a local model gives first, ready to be put to any judge.
 * Throws a usage error naming the flag that is missing.
 */
export async function mtBenchLive(options: MtBenchLiveOptions): Promise<(asking: Asking) => Promise<Judgment[]>> {
  const { flags, interrupt, reporter } = options;
  const { questions: questionFile, judgePrompts, referenceAnswers, output } = needed(flags);
  const questions = await readList<Question>(questionFile, "--questions");
  const prompts = await readList<JudgePrompt>(judgePrompts, "--judge-prompts");
  const references = [
    ...(await readList<ModelAnswer>(referenceAnswers, "--reference-answers")),
    // A later reference to the same question counts.
    ...(await answersIn(flags.correctedReferences, "--corrected-references")),
  ];
  const given = await givenAnswers(flags.modelAnswers);
  if (given.length === 0 && flags.model === undefined)
    throw usageError("--model-answers is missing; give answer files, or --model to have it answer");
  if (flags.model !== undefined && flags.dryRun)
    throw usageError("--dry-run needs answers that exist; have --model answer first, or give --model-answers");
  const answers = [...given, ...(await localAnswers(flags.model, output, questions, options))];
  return async ({ judge, judgeName, concurrency }) => {
    const progress = reporter.progress(`judgments by ${judgeName}`);
    const asking = {
      ...{ questions, answers, references, prompts, judge, judgeName, concurrency, signal: interrupt.drain },
      onProgress: (done: number, total: number) => progress.update(done, `of ${total}`),
    };
    const judgments: Judgment[] =
      flags.judging === "single"
        ? await gradeAnswers(asking)
        : await judgePairs({ ...asking, ...(flags.baseline !== undefined && { baseline: flags.baseline }) });
    progress.end();
    return judgments;
  };
}

function needed({ questions, judgePrompts, referenceAnswers, output, dryRun }: MtBenchLiveOptions["flags"]) {
  const given = { questions, judgePrompts, referenceAnswers, output: dryRun ? "" : output };
  const missing = Object.entries(given).find(([, value]) => value === undefined)?.[0];
  if (missing === undefined) return given as Record<keyof typeof given, string>;
  const flag = missing.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw usageError(`--judgments is missing; give it, or --${flag} and the other flags of a live run`);
}

const answersIn = async (file: string | undefined, flag: string): Promise<ModelAnswer[]> =>
  file === undefined ? [] : readList<ModelAnswer>(file, flag);

function answerFiles(paths: string[] = []): string[] {
  return paths.flatMap((path) =>
    existsSync(path) && statSync(path).isDirectory()
      ? readdirSync(path)
          .filter((name) => /\.jsonl(\.gz)?$/.test(name))
          .sort()
          .map((name) => join(path, name))
      : [path],
  );
}

/** Answers of files and folders; none without a path. */
export async function givenAnswers(paths: string[] | undefined): Promise<ModelAnswer[]> {
  return (await Promise.all(answerFiles(paths).map((file) => answersIn(file, "--model-answers")))).flat();
}

/** Two turns of answers of a local model, kept as `model_answer/NAME.jsonl`; a file that is there already is read. */
async function localAnswers(
  model: string | undefined,
  output: string,
  questions: Question[],
  { reporter, interrupt }: MtBenchLiveOptions,
): Promise<ModelAnswer[]> {
  if (model === undefined) return [];
  const modelId = basename(resolve(model));
  const folder = join(output, "model_answer");
  const file = join(folder, `${modelId}.jsonl`);
  if (existsSync(file)) return answersIn(file, "--model-answers");
  using opened = await openModel({ model, adapter: undefined }, reporter);
  using generator = createGenerator(opened.policy, { maxLength: Math.min(8192, opened.policy.config.maxPositionEmbeddings) });
  const progress = reporter.progress("answers");
  const answers = await answerQuestions({
    questions,
    generate: generator.generate,
    modelId,
    concurrency: 16,
    signal: interrupt.drain,
    onProgress: (done, total) => progress.update(done, `of ${total}`),
  });
  progress.end();
  mkdirSync(folder, { recursive: true });
  await writeRows(file, rowsOf(answers));
  return answers;
}
