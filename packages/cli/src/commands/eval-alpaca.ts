import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  type AlpacaEvalResult,
  type Annotation,
  alpacaEval,
  annotationVerdicts,
  auditJudge,
  hasLengthControlData,
  judgeAgreement,
  LENGTH_CONTROL_SOURCE,
  type LengthControlData,
  type ModelOutput,
  pairsOfAnnotations,
  readLengthControlData,
  wilsonEnds,
} from "@zephyr/eval";
import { usageError } from "../errors/usage-error.ts";
import { annotateLive, failedCalls } from "../evaluation/annotate-live.ts";
import { judgeFlags, previewJudges, previewLines, runJudges } from "../evaluation/judge-runs.ts";
import type { Replying } from "../evaluation/live-judge.ts";
import { readList } from "../evaluation/read-list.ts";
import { checkResult, resultFlags, saveResult } from "../evaluation/result-folder.ts";
import { choice, number, text } from "../flags/flag.ts";
import { writeJson } from "../training/run-folder.ts";
import { command, type Invocation, type Outcome } from "./command.ts";

const flagTable = {
  annotations: text({ help: "a judge's annotations: .json or .json.gz", placeholder: "FILE" }),
  secondAnnotations: text({ help: "a second judge's, whose agreement with the first is reported", placeholder: "FILE" }),
  modelOutputs: text({ help: "the model's outputs", placeholder: "FILE" }),
  referenceOutputs: text({ help: "the baseline's outputs", placeholder: "FILE" }),
  lcData: text({
    help: "folder with AlpacaEval's length-control files [$ZEPHYR_BENCHMARK_DATA/alpacaeval/lc]",
    placeholder: "DIR",
  }),
  lcC: number({ help: "regularization of the length-controlled fit [cross-validation]", min: 0, above: true }),
  mode: choice({
    help: "compat: as the leaderboard, by row number; strict: by instruction",
    choices: ["compat", "strict"],
    default: "compat",
  }),
  kind: choice({
    help: "a live judge ranks (version 1) or gives the first token's probabilities (version 2)",
    choices: ["ranking", "logprobs"],
    default: "ranking",
  }),
  judgeTemplate: text({ help: "live: the annotator's own chat template [ours]", placeholder: "FILE" }),
  ...judgeFlags,
  ...resultFlags,
};
type Alpaca = Invocation<typeof flagTable>;

interface Files {
  modelOutputs: ModelOutput[] | undefined;
  referenceOutputs: ModelOutput[] | undefined;
}

/** `zephyr eval alpaca`: AlpacaEval 1 and 2. */
export const evalAlpaca = command({
  description:
    "AlpacaEval's win rate and length-controlled win rate, from --annotations, or from a live judge (--config: judge) on --model-outputs and --reference-outputs.",
  flags: flagTable,
  ownConfig: true,
  graceful: true,
  async run(invocation) {
    const { flags } = invocation;
    checkResult("alpaca", flags);
    const files: Files = {
      modelOutputs: await outputs(flags.modelOutputs, "--model-outputs"),
      referenceOutputs: await outputs(flags.referenceOutputs, "--reference-outputs"),
    };
    if (flags.annotations === undefined && flags.dryRun) return preview(invocation, files);
    const [first, second] = flags.annotations === undefined ? await judgeLive(invocation, files) : await stored(flags);
    const failed = flags.annotations === undefined ? failedCalls(first!) : 0;
    const result = scored(flags, files, first!, second);
    if (failed > 0) result.notes.push(`${failed} calls failed; the same command with --resume asks those again and no others`);
    saveResult("alpaca", flags.output, result);
    if (flags.output !== undefined) writeJson(join(flags.output, "annotations.json"), first!);
    return { result, lines: linesOf(result), exitCode: failed > 0 ? 1 : 0 };
  },
});

const outputs = async (path: string | undefined, flag: string) =>
  path === undefined ? undefined : readList<ModelOutput>(path, flag);

async function stored({ annotations, secondAnnotations }: Alpaca["flags"]): Promise<[Annotation[], Annotation[]?]> {
  const first = await readList<Annotation>(annotations!, "--annotations");
  if (secondAnnotations === undefined) return [first];
  return [first, await readList<Annotation>(secondAnnotations, "--second-annotations")];
}

/** Asks the judges; their answers are kept in a journal beside the result. */
async function judgeLive(invocation: Alpaca, files: Files): Promise<[Annotation[], Annotation[]?]> {
  const { flags, config, configFile, interrupt } = invocation;
  const { output, secondJudge, judgeTemplate: template } = flags;
  const ask = await annotateLive({ ...invocation, ...files, kind: flags.kind, template });
  if (output === undefined) throw usageError("--output is missing; a live judge's answers are kept there");
  mkdirSync(output, { recursive: true });
  const [first, second] = await runJudges(
    { config, configFile, secondJudge, replying: replyingOf(flags), interrupt, output },
    ask,
  );
  if (!second) return [first.found];
  writeJson(join(output, "second-annotations.json"), second.found);
  return [first.found, second.found];
}

const replyingOf = ({ kind }: Alpaca["flags"]): Replying => (kind === "logprobs" ? "logprobs" : "text");

async function preview(invocation: Alpaca, files: Files): Promise<Outcome> {
  const { flags, config, configFile } = invocation;
  const ask = await annotateLive({ ...invocation, ...files, kind: flags.kind, template: flags.judgeTemplate });
  const result = await previewJudges({ config, configFile, secondJudge: flags.secondJudge, replying: replyingOf(flags) }, ask);
  return { result, lines: previewLines(result) };
}

function scored(flags: Alpaca["flags"], files: Files, annotations: Annotation[], second: Annotation[] | undefined) {
  const { modelOutputs, referenceOutputs } = files;
  const lengthControl = lengthControlData(flags.lcData);
  const score = (rows: Annotation[]): AlpacaEvalResult =>
    alpacaEval({
      annotations: rows,
      ...(modelOutputs && { modelOutputs }),
      ...(referenceOutputs && { referenceOutputs }),
      ...(lengthControl && { lengthControl }),
      ...(flags.lcC !== undefined && { c: flags.lcC }),
      mode: flags.mode,
    });
  const { notes, ...scores } = score(annotations);
  if (!lengthControl)
    notes.push(
      `length_controlled_winrate is left out: AlpacaEval's length-control files are not here; get them with ${LENGTH_CONTROL_SOURCE}, and pass --lc-data DIR`,
    );
  const model = annotations[0]?.generator_2 ?? modelOutputs?.[0]?.generator;
  const pairs = pairsOfAnnotations(annotations);
  return {
    ...(model !== undefined && { model }),
    ...scores,
    ci: winRateInterval(scores),
    ...(pairs.length > 0 && { audit: auditJudge(pairs) }),
    ...(second && {
      second: score(second),
      agreement: judgeAgreement(annotationVerdicts(annotations), annotationVerdicts(second)),
    }),
    notes,
  };
}

/** 95% interval of the win rate, in percent. */
function winRateInterval({ win_rate, standard_error, n_total }: Omit<AlpacaEvalResult, "notes">): [number, number] {
  const { lo, hi } = wilsonEnds(win_rate / 100, standard_error / 100, n_total);
  return [100 * lo, 100 * hi];
}

function lengthControlData(folder: string | undefined): LengthControlData | undefined {
  if (folder !== undefined) return readLengthControlData(folder);
  const data = process.env["ZEPHYR_BENCHMARK_DATA"];
  if (data === undefined) return undefined;
  const own = join(data, "alpacaeval", "lc");
  return hasLengthControlData(own) ? readLengthControlData(own) : undefined;
}

function linesOf({ notes, ci, audit, agreement, second: _, ...scores }: ReturnType<typeof scored>): string[] {
  const shown = Object.entries(scores).filter(([, value]) => typeof value === "number");
  const judge = audit && [
    ["first shown wins", audit.first_share],
    ["longer answer wins", audit.prefers_longer],
    ["no verdict", audit.unparsed_rate],
    ["constant answers", audit.constant_answers.length],
    ["answers that address the judge", audit.injection.length],
  ];
  return [
    ...shown.map(([name, value]) => `${name}  ${value}`),
    `win_rate 95% interval  ${ci.map((end) => end.toFixed(2)).join(" to ")}`,
    ...(judge ?? []).map(([name, value]) => `judge: ${name}  ${typeof value === "number" ? Math.round(value * 1e4) / 1e4 : "-"}`),
    ...(agreement
      ? [
          `second judge agrees  ${agreement.agreement?.toFixed(4) ?? "-"} of ${agreement.n}, kappa ${agreement.kappa?.toFixed(4) ?? "-"}`,
        ]
      : []),
    ...notes.map((note) => `note  ${note}`),
  ];
}
