import { join } from "node:path";
import {
  type Annotation,
  alpacaEval,
  annotate,
  hasLengthControlData,
  LENGTH_CONTROL_SOURCE,
  type LengthControlData,
  type ModelOutput,
  readLengthControlData,
} from "@zephyr/eval";
import { usageError } from "../errors/usage-error.ts";
import { openJudge } from "../evaluation/live-judge.ts";
import { readList } from "../evaluation/read-list.ts";
import { checkResult, resultFlags, saveResult } from "../evaluation/result-folder.ts";
import { choice, number, text } from "../flags/flag.ts";
import { writeJson } from "../training/run-folder.ts";
import { command, type Invocation } from "./command.ts";

const flagTable = {
  annotations: text({ help: "a judge's annotations: .json or .json.gz", placeholder: "FILE" }),
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
  ...resultFlags,
};

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
    const outputs = async (path: string | undefined, flag: string) =>
      path === undefined ? undefined : readList<ModelOutput>(path, flag);
    const modelOutputs = await outputs(flags.modelOutputs, "--model-outputs");
    const referenceOutputs = await outputs(flags.referenceOutputs, "--reference-outputs");
    const annotations =
      flags.annotations === undefined
        ? await annotateLive(invocation, modelOutputs, referenceOutputs)
        : await readList<Annotation>(flags.annotations, "--annotations");
    const lengthControl = lengthControlData(flags.lcData);
    const { notes, ...scores } = alpacaEval({
      annotations,
      ...(modelOutputs && { modelOutputs }),
      ...(referenceOutputs && { referenceOutputs }),
      ...(lengthControl && { lengthControl }),
      ...(flags.lcC !== undefined && { c: flags.lcC }),
      mode: flags.mode,
    });
    if (!lengthControl)
      notes.push(
        `length_controlled_winrate is left out: AlpacaEval's length-control files are not here; get them with ${LENGTH_CONTROL_SOURCE}, and pass --lc-data DIR`,
      );
    const model = annotations[0]?.generator_2 ?? modelOutputs?.[0]?.generator;
    const result = { ...(model !== undefined && { model }), ...scores, notes };
    saveResult("alpaca", flags.output, result);
    const shown = Object.entries(scores).filter(([, value]) => typeof value === "number");
    return { result, lines: [...shown.map(([name, value]) => `${name}  ${value}`), ...notes.map((note) => `note  ${note}`)] };
  },
});

function lengthControlData(folder: string | undefined): LengthControlData | undefined {
  if (folder !== undefined) return readLengthControlData(folder);
  const data = process.env["ZEPHYR_BENCHMARK_DATA"];
  if (data === undefined) return undefined;
  const own = join(data, "alpacaeval", "lc");
  return hasLengthControlData(own) ? readLengthControlData(own) : undefined;
}

/** A live run: the judge's answers are kept in a journal, the annotations beside the result. */
async function annotateLive(
  { flags, config, configFile, interrupt, reporter }: Invocation<typeof flagTable>,
  modelOutputs: ModelOutput[] | undefined,
  referenceOutputs: ModelOutput[] | undefined,
): Promise<Annotation[]> {
  const { output, kind } = flags;
  if (!modelOutputs || !referenceOutputs)
    throw usageError("--annotations is missing; give it, or --model-outputs and --reference-outputs for a judge");
  if (output === undefined) throw usageError("--output is missing; a live judge's answers are kept there");
  await using live = await openJudge({ config, configFile, journal: join(output, "judge.journal"), interrupt });
  const progress = reporter.progress("answers judged");
  const annotations = await annotate({
    modelOutputs,
    referenceOutputs,
    judge: live.judge,
    judgeName: live.name,
    kind,
    concurrency: live.concurrency,
    signal: interrupt.drain,
    onProgress: (done) => progress.update(done),
  });
  progress.end();
  writeJson(join(output, "annotations.json"), annotations);
  return annotations;
}
