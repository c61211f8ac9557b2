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
  scorePairs,
  scoreSingle,
} from "@zephyr/eval";
import { createGenerator } from "@zephyr/train-webgpu";
import { usageError } from "../errors/usage-error.ts";
import { openJudge } from "../evaluation/live-judge.ts";
import { readList } from "../evaluation/read-list.ts";
import { checkResult, resultFlags, saveResult } from "../evaluation/result-folder.ts";
import { choice, text, texts } from "../flags/flag.ts";
import { openModel } from "../models/open-policy.ts";
import { command, type Invocation } from "./command.ts";

const flagTable = {
  judgments: text({ help: "stored judgments, single or of pairs: .jsonl or .jsonl.gz", placeholder: "FILE" }),
  compare: texts({ help: "only this pair of models, seen from the first", placeholder: "A,B" }),
  questions: text({ help: "question.jsonl", placeholder: "FILE" }),
  model: text({ help: "live: a local model that answers the questions first", placeholder: "DIR|ID" }),
  modelAnswers: texts({ help: "live: answer files, or a folder of them", placeholder: "FILES" }),
  referenceAnswers: text({ help: "live: the judge's reference answers", placeholder: "FILE" }),
  judgePrompts: text({ help: "live: judge_prompts.jsonl", placeholder: "FILE" }),
  judging: choice({ help: "live: grade answers, or compare pairs", choices: ["single", "pair"], default: "single" }),
  baseline: text({ help: "live: compare with this model only", placeholder: "NAME" }),
  ...resultFlags,
};
type MtBench = Invocation<typeof flagTable>;

/** `zephyr eval mt-bench`: MT-Bench from stored judgments, or live. */
export const evalMtBench = command({
  description:
    "MT-Bench scores from --judgments, or live: --questions, --judge-prompts, --reference-answers, --model-answers (or --model) and --config with a judge.",
  flags: flagTable,
  ownConfig: true,
  graceful: true,
  async run(invocation) {
    const { flags } = invocation;
    checkResult("mtBench", flags);
    const judgments =
      flags.judgments === undefined
        ? await judgeLive(invocation)
        : await readList<SingleJudgment | PairJudgment>(flags.judgments, "--judgments");
    if (judgments.length === 0) throw new RangeError("eval mt-bench: there are no judgments; give at least one");
    const questions = flags.questions === undefined ? undefined : await readList<Question>(flags.questions, "--questions");
    const result = scored(judgments, questions, flags.compare);
    saveResult("mtBench", flags.output, result);
    const singles = result.models.map(
      ({ model, score, n, turn_1, turn_2, ci }) =>
        `${model}  ${shown(score)} ${interval(ci)}  turn 1 ${shown(turn_1)}  turn 2 ${shown(turn_2)}  n ${n}`,
    );
    const pairs = result.pairs.map(
      ({ model_1, model_2, wins, losses, ties, errors, win_rate_adjusted, ci }) =>
        `${model_1} against ${model_2}  ${wins} wins, ${losses} losses, ${ties} ties, ${errors} errors  adjusted win rate ${shown(win_rate_adjusted)} ${interval(ci)}`,
    );
    const repeated = result.repeated > 0 ? [`${result.repeated} repeated judgments; the last of each counts`] : [];
    return { result, lines: [...singles, ...pairs, ...repeated] };
  },
});

const shown = (value: number | null): string => (value === null ? "-" : value.toFixed(4));
const interval = (ci: [number, number] | null): string => (ci === null ? "" : `[${ci[0].toFixed(4)}, ${ci[1].toFixed(4)}]`);

function scored(
  judgments: readonly (SingleJudgment | PairJudgment)[],
  questions: Question[] | undefined,
  compare: string[] | undefined,
) {
  const pairRows = judgments.filter((row): row is PairJudgment => "model_1" in row);
  const singleRows = judgments.filter((row): row is SingleJudgment => !("model_1" in row));
  if (compare !== undefined && compare.length !== 2)
    throw usageError(`--compare names ${compare.length} models; give two, as A,B`);
  if (compare !== undefined && pairRows.length === 0)
    throw usageError("--compare needs judgments of pairs; the file holds single gradings");
  const singles = scoreSingle(singleRows, questions ? { questions } : {});
  const pairs = scorePairs(pairRows, compare ? { compare: compare as [string, string] } : {});
  return {
    models: singles.models,
    pairs: pairs.pairs,
    repeated: singles.repeated + pairs.repeated,
    mismatches: singles.mismatches,
  };
}

/** Has a judge grade answers; its replies are kept in a journal, answers and judgments beside the result. */
async function judgeLive(invocation: MtBench): Promise<(SingleJudgment | PairJudgment)[]> {
  const { flags, config, configFile, interrupt, reporter } = invocation;
  const needed = {
    questions: flags.questions,
    judgePrompts: flags.judgePrompts,
    referenceAnswers: flags.referenceAnswers,
    output: flags.output,
  };
  const missing = Object.entries(needed).find(([, value]) => value === undefined)?.[0];
  if (missing !== undefined) {
    const flag = missing.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw usageError(`--judgments is missing; give it, or --${flag} and the other flags of a live run`);
  }
  const output = flags.output!;
  const questions = await readList<Question>(flags.questions!, "--questions");
  const prompts = await readList<JudgePrompt>(flags.judgePrompts!, "--judge-prompts");
  const references = await readList<ModelAnswer>(flags.referenceAnswers!, "--reference-answers");
  mkdirSync(output, { recursive: true });
  const answers = [...(await givenAnswers(flags.modelAnswers)), ...(await localAnswers(invocation, questions))];
  if (answers.length === 0) throw usageError("--model-answers is missing; give answer files, or --model to have it answer");
  await using live = await openJudge({ config, configFile, journal: join(output, "judge.journal"), interrupt });
  const progress = reporter.progress("judgments");
  const options = {
    questions,
    answers,
    references,
    prompts,
    judge: live.judge,
    judgeName: live.name,
    concurrency: live.concurrency,
    signal: interrupt.drain,
    onProgress: (done: number, total: number) => progress.update(done, `of ${total}`),
  };
  const judgments: (SingleJudgment | PairJudgment)[] =
    flags.judging === "single"
      ? await gradeAnswers(options)
      : await judgePairs({ ...options, ...(flags.baseline !== undefined && { baseline: flags.baseline }) });
  progress.end();
  await writeRows(join(output, "judgments.jsonl"), rowsOf(judgments));
  return judgments;
}

async function givenAnswers(paths: string[] | undefined): Promise<ModelAnswer[]> {
  const files = (paths ?? []).flatMap((path) =>
    existsSync(path) && statSync(path).isDirectory()
      ? readdirSync(path)
          .filter((name) => /\.jsonl(\.gz)?$/.test(name))
          .sort()
          .map((name) => join(path, name))
      : [path],
  );
  return (await Promise.all(files.map((file) => readList<ModelAnswer>(file, "--model-answers")))).flat();
}

/** Two turns of answers of a local model, kept as `model_answer/NAME.jsonl`. */
async function localAnswers({ flags, reporter, interrupt }: MtBench, questions: Question[]): Promise<ModelAnswer[]> {
  if (flags.model === undefined) return [];
  const modelId = basename(resolve(flags.model));
  using opened = await openModel({ model: flags.model, adapter: undefined }, reporter);
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
  const folder = join(flags.output!, "model_answer");
  mkdirSync(folder, { recursive: true });
  await writeRows(join(folder, `${modelId}.jsonl`), rowsOf(answers));
  return answers;
}
