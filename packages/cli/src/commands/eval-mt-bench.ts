import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { rowsOf, writeRows } from "@zephyr/data";
import {
  auditJudge,
  compareScores,
  fetchMtBenchFiles,
  judgeAgreement,
  type ModelAnswer,
  mtBenchVerdicts,
  type PairJudgment,
  pairsOfMtBench,
  type Question,
  ratingAgreement,
  type SingleJudgment,
  scorePairs,
  scoreSingle,
} from "@zephyr/eval";
import { usageError } from "../errors/usage-error.ts";
import { judgeFlags, previewJudges, previewLines, runJudges } from "../evaluation/judge-runs.ts";
import { givenAnswers, type Judgment, mtBenchLive } from "../evaluation/mt-bench-live.ts";
import { readList } from "../evaluation/read-list.ts";
import { checkResult, MT_BENCH_FILES, resultFlags, saveResult } from "../evaluation/result-folder.ts";
import { choice, text, texts } from "../flags/flag.ts";
import { command, type Invocation } from "./command.ts";

const flagTable = {
  judgments: text({ help: "stored judgments, single or of pairs: .jsonl or .jsonl.gz", placeholder: "FILE" }),
  secondJudgments: text({ help: "a second judge's, whose agreement with the first is reported", placeholder: "FILE" }),
  compare: texts({ help: "this pair of models, seen from the first", placeholder: "A,B" }),
  mtBenchData: text({
    help: "live: folder of MT-Bench's own questions, judge prompts and references; what is absent is fetched, by commit and SHA-256",
    placeholder: "DIR",
  }),
  questions: text({ help: "question.jsonl", placeholder: "FILE" }),
  model: text({ help: "live: a local model that answers the questions first", placeholder: "DIR|ID" }),
  modelAnswers: texts({ help: "answer files, or a folder of them: judged live, audited with --judgments", placeholder: "FILES" }),
  referenceAnswers: text({ help: "live: the judge's reference answers", placeholder: "FILE" }),
  correctedReferences: text({ help: "live: references that replace those to the same questions", placeholder: "FILE" }),
  judgePrompts: text({ help: "live: judge_prompts.jsonl", placeholder: "FILE" }),
  judging: choice({ help: "live: grade answers, or compare pairs", choices: ["single", "pair"], default: "single" }),
  baseline: text({ help: "live: compare with this model only", placeholder: "NAME" }),
  ...judgeFlags,
  ...resultFlags,
};
type MtBench = Invocation<typeof flagTable>;

/** What FastChat writes, and `gradeAnswers`, where the judge could not be reached. */
const FAILED = "$ERROR$";

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
    if (flags.mtBenchData !== undefined) await takeFiles(flags, flags.mtBenchData);
    if (flags.judgments === undefined && flags.dryRun) {
      const preview = await previewJudges(invocationOf(invocation), await mtBenchLive(invocation));
      return { result: preview, lines: previewLines(preview) };
    }
    const [judgments, second] = flags.judgments === undefined ? await judgeLive(invocation) : await stored(flags);
    if (judgments.length === 0) throw new RangeError("eval mt-bench: there are no judgments; give at least one");
    const questions = flags.questions === undefined ? undefined : await readList<Question>(flags.questions, "--questions");
    const result = {
      ...scored(judgments, questions, flags.compare),
      ...(await judged(flags, judgments)),
      ...(second && { second: scored(second, questions, undefined), agreement: agreementOf(judgments, second) }),
    };
    saveResult("mtBench", flags.output, result);
    if (flags.output !== undefined) await saveContext(flags.output, questions, await givenAnswers(flags.modelAnswers));
    if (flags.output !== undefined && flags.judgments !== undefined) await saveJudgments(flags.output, "judgments", judgments);
    const failed = flags.judgments === undefined ? failedCalls(judgments) : 0;
    return { result, lines: linesOf(result, failed), exitCode: failed > 0 ? 1 : 0 };
  },
});

/** MT-Bench's files stand in for those that are not named. */
async function takeFiles(flags: MtBench["flags"], folder: string): Promise<void> {
  const { questions, judgePrompts, referenceAnswers } = await fetchMtBenchFiles(folder);
  flags.questions ??= questions;
  flags.judgePrompts ??= judgePrompts;
  flags.referenceAnswers ??= referenceAnswers;
}

const isPair = (row: Judgment): row is PairJudgment => "model_1" in row;
const pairsIn = (judgments: readonly Judgment[]) => judgments.filter(isPair);
const singlesIn = (judgments: readonly Judgment[]) => judgments.filter((row): row is SingleJudgment => !isPair(row));

const invocationOf = ({ flags, config, configFile }: MtBench) => ({ config, configFile, secondJudge: flags.secondJudge });

async function stored({ judgments, secondJudgments }: MtBench["flags"]): Promise<[Judgment[], Judgment[]?]> {
  const first = await readList<Judgment>(judgments!, "--judgments");
  if (secondJudgments === undefined) return [first];
  return [first, await readList<Judgment>(secondJudgments, "--second-judgments")];
}

/** Has the judges grade answers; their replies are kept in journals, the judgments beside the result. */
async function judgeLive(invocation: MtBench): Promise<[Judgment[], Judgment[]?]> {
  const { flags, interrupt } = invocation;
  const ask = await mtBenchLive(invocation);
  const output = flags.output!;
  mkdirSync(output, { recursive: true });
  const [first, second] = await runJudges({ ...invocationOf(invocation), interrupt, output }, ask);
  await saveJudgments(output, "judgments", first.found);
  if (!second) return [first.found];
  await saveJudgments(output, "second-judgments", second.found);
  return [first.found, second.found];
}

async function saveJudgments(folder: string, name: string, judgments: Judgment[]): Promise<void> {
  await writeRows(join(folder, `${name}.jsonl`), rowsOf(judgments));
}

/** What the judgments are about, for the report's drill-down. */
async function saveContext(folder: string, questions: Question[] | undefined, answers: ModelAnswer[]): Promise<void> {
  if (questions) await writeRows(join(folder, MT_BENCH_FILES.questions), rowsOf(questions));
  if (answers.length > 0) await writeRows(join(folder, MT_BENCH_FILES.answers), rowsOf(answers));
}

const failedCalls = (judgments: readonly Judgment[]): number =>
  judgments
    .flatMap((row) => (isPair(row) ? [row.g1_judgment, row.g2_judgment] : [row.judgment]))
    .filter((text) => text === FAILED).length;

function scored(judgments: readonly Judgment[], questions: Question[] | undefined, compare: string[] | undefined) {
  if (compare !== undefined && compare.length !== 2)
    throw usageError(`--compare names ${compare.length} models; give two, as A,B`);
  const two = compare as [string, string] | undefined;
  const [pairRows, singleRows] = [pairsIn(judgments), singlesIn(judgments)];
  const singles = scoreSingle(singleRows, questions ? { questions } : {});
  const pairs = scorePairs(pairRows, two && pairRows.length > 0 ? { compare: two } : {});
  return {
    models: singles.models,
    pairs: pairs.pairs,
    ...(two && singleRows.length > 0 && { difference: compareScores(singleRows, two) }),
    repeated: singles.repeated + pairs.repeated,
    mismatches: singles.mismatches,
  };
}

/** How the judge behaved, as far as its verdicts on pairs tell. */
async function judged({ modelAnswers }: MtBench["flags"], judgments: readonly Judgment[]) {
  const pairs = pairsOfMtBench(pairsIn(judgments), await givenAnswers(modelAnswers));
  return pairs.length > 0 ? { audit: auditJudge(pairs) } : {};
}

function agreementOf(first: readonly Judgment[], second: readonly Judgment[]) {
  const [ours, theirs] = [pairsIn(first), pairsIn(second)];
  return ours.length > 0 && theirs.length > 0
    ? judgeAgreement(mtBenchVerdicts(ours), mtBenchVerdicts(theirs))
    : ratingAgreement(singlesIn(first), singlesIn(second));
}

type Result = ReturnType<typeof scored> & {
  audit?: ReturnType<typeof auditJudge>;
  agreement?: ReturnType<typeof agreementOf>;
};

const shown = (value: number | null | undefined): string => (value === null || value === undefined ? "-" : value.toFixed(4));
const interval = (ci: [number, number] | null): string => (ci === null ? "" : `[${ci[0].toFixed(4)}, ${ci[1].toFixed(4)}]`);

function linesOf({ models, pairs, difference, repeated, audit, agreement }: Result, failed: number): string[] {
  const singles = models.map(
    ({ model, score, n, turn_1, turn_2, ci }) =>
      `${model}  ${shown(score)} ${interval(ci)}  turn 1 ${shown(turn_1)}  turn 2 ${shown(turn_2)}  n ${n}`,
  );
  const duels = pairs.map(
    ({ model_1, model_2, wins, losses, ties, errors, win_rate_adjusted, ci }) =>
      `${model_1} against ${model_2}  ${wins} wins, ${losses} losses, ${ties} ties, ${errors} errors  adjusted win rate ${shown(win_rate_adjusted)} ${interval(ci)}`,
  );
  const paired = difference && [
    `${difference.model_1} minus ${difference.model_2}  ${shown(difference.difference)} ${interval(difference.ci)}  p ${shown(difference.p_value)}, ${difference.questions_needed ?? "-"} questions would show it 4 times out of 5`,
  ];
  const judge = audit && [
    `judge: same verdict in both orders ${shown(audit.consistency)}, first shown wins ${shown(audit.first_share)}, longer wins ${shown(audit.prefers_longer)}, unparsed ${audit.unparsed}, constant answers ${audit.constant_answers.length}, answers that address the judge ${audit.injection.length}`,
  ];
  const second = agreement && [
    "agreement" in agreement
      ? `second judge agrees ${shown(agreement.agreement)} of ${agreement.n}, kappa ${shown(agreement.kappa)}`
      : `first judge minus second ${shown(agreement.difference)} ${interval(agreement.ci)} over ${agreement.n}, correlation ${shown(agreement.correlation)}`,
  ];
  return [
    ...[...singles, ...duels, ...(paired ?? []), ...(judge ?? []), ...(second ?? [])],
    ...(repeated > 0 ? [`${repeated} repeated judgments; the last of each counts`] : []),
    ...(failed > 0 ? [`${failed} calls failed; the same command with --resume asks those again and no others`] : []),
  ];
}
