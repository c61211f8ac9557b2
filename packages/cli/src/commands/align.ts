import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { planLines, planStages } from "../align/plan.ts";
import { type RecipeProgress, recipeProgress } from "../align/recipe-progress.ts";
import { type Recipe, readRecipe, type Stage } from "../align/stages.ts";
import { exitCodeOf } from "../errors/exit-code.ts";
import { interruptedError, usageError } from "../errors/usage-error.ts";
import { type FlagTable, text, toggle } from "../flags/flag.ts";
import { flagValues } from "../flags/read-arguments.ts";
import { writeJson } from "../training/run-folder.ts";
import { command, type Invocation, type Outcome } from "./command.ts";

const STATE_FILE = "result.json";

/** What the run's folder says about a stage. */
interface StageState {
  name: string;
  fingerprint: string;
  status: "begun" | "done";
  seconds: number;
  result?: object;
}

/** `zephyr align`: a whole recipe. */
export const align = command({
  description:
    "Runs the stages of a recipe (--config: run, and stages with a command and its flags each) in order, after a plan of them. Stages that are done are left out, one that was stopped goes on where it can; RUN/result.json says where it stands.",
  flags: {
    from: text({ help: "run this stage and all after it anew", placeholder: "NAME" }),
    dryRun: toggle({ help: "print the plan (rows, requests, cost, steps, memory) and end" }),
  },
  ownConfig: true,
  graceful: true,
  async run(invocation) {
    const { flags, config, configFile, reporter } = invocation;
    if (configFile === undefined) throw usageError("--config is missing; give the recipe, a YAML or JSON file");
    const { run, stages } = await readRecipe(config, configFile);
    const before = await statesOf(run, stages, flags.from);
    const plan = await planStages(stages, before, (stage) => estimateOf(stage, invocation));
    if (flags.dryRun) return { result: { run, plan }, lines: planLines(plan) };
    for (const line of [`${run}: ${stages.length} stages`, ...planLines(plan)]) reporter.note(line);
    mkdirSync(run, { recursive: true });
    const progress = recipeProgress(run, plan);
    try {
      const outcome = await runStages({ run, stages }, before, invocation, progress);
      progress.end(outcome.exitCode ? statusOf(outcome.exitCode) : "done");
      return outcome;
    } catch (error) {
      progress.end(statusOf(exitCodeOf(error)), (error as Error).message);
      throw error;
    }
  },
});

const statusOf = (exitCode: number): "interrupted" | "failed" => (exitCode === 130 ? "interrupted" : "failed");

async function runStages(
  { run, stages }: Recipe,
  before: Map<string, StageState>,
  invocation: Pick<Invocation<FlagTable>, "configFile" | "reporter" | "interrupt" | "colour"> & {
    flags: { from?: string | undefined };
  },
  progress: RecipeProgress,
): Promise<Outcome> {
  const { flags, reporter, interrupt } = invocation;
  const states: StageState[] = [];
  for (const stage of stages) {
    const { name, fingerprint } = stage;
    const known = before.get(name);
    if (known?.status === "done") {
      reporter.note(`${name}: done before`);
      states.push(known);
      continue;
    }
    if (interrupt.drain.aborted) throw interruptedError(`stopped before ${name}; the same command goes on from there`);
    reporter.note(`${name}:`);
    const started = performance.now();
    save(run, [...states, { name, fingerprint, status: "begun", seconds: 0 }]);
    progress.begin(name);
    const again = known === undefined && flags.from === undefined ? "no" : known?.fingerprint === fingerprint ? "go on" : "anew";
    const outcome = await stage.command.run(invocationOf(stage, invocation, again));
    for (const line of outcome.lines) reporter.note(`  ${line}`);
    if (outcome.exitCode) return failed(run, name, outcome);
    const seconds = (performance.now() - started) / 1000;
    states.push({ name, fingerprint, status: "done", seconds, result: outcome.result });
    save(run, states);
    progress.done(name, seconds);
  }
  return { result: { run, stages: states }, lines: [`${run}: ${states.length} stages done`] };
}

/** What a stage's own dry run says; its notes are left out. */
async function estimateOf(stage: Stage, invocation: Parameters<typeof invocationOf>[1]): Promise<object> {
  const given = new Map(stage.given).set("dryRun", true);
  const quiet = { ...invocation.reporter, note: () => {}, status: () => {} };
  const { result } = await stage.command.run(invocationOf({ ...stage, given }, { ...invocation, reporter: quiet }, "no"));
  return result;
}

const failed = (run: string, stage: string, { result, exitCode }: Outcome): Outcome => ({
  result: { run, stage, result },
  lines: [`${run}: stopped in ${stage}; the same command goes on from there`],
  exitCode: exitCode!,
});

const save = (run: string, stages: StageState[]): void => writeJson(join(run, STATE_FILE), { stages });

/** The stages that were begun or done before. Throws a usage error when one that is done has other settings now. */
async function statesOf(run: string, stages: Stage[], from: string | undefined): Promise<Map<string, StageState>> {
  const first = from === undefined ? stages.length : stages.findIndex(({ name }) => name === from);
  if (first < 0) throw usageError(`--from ${from} is no stage; there are ${stages.map(({ name }) => name).join(", ")}`);
  const file = join(run, STATE_FILE);
  if (!existsSync(file)) return new Map();
  const { stages: states = [] } = JSON.parse(readFileSync(file, "utf8")) as { stages?: StageState[] };
  const known = new Map(states.map((state) => [state.name, state]));
  for (const [i, { name, fingerprint }] of stages.entries()) {
    const state = known.get(name);
    if (i >= first) known.delete(name);
    else if (state?.status === "done" && state.fingerprint !== fingerprint) {
      throw usageError(`${name} was run with other settings before; pass --from ${name} to run it and all after it anew`);
    }
  }
  return known;
}

/** The stage's own invocation; one that was begun goes on where its command can, else it replaces what it left. */
function invocationOf(
  { command, given, config, positionals }: Stage,
  { configFile, reporter, interrupt, colour }: Pick<Invocation<FlagTable>, "configFile" | "reporter" | "interrupt" | "colour">,
  again: "no" | "go on" | "anew",
): Invocation<FlagTable> {
  const values = new Map(given);
  if (again === "go on" && "resume" in command.flags) values.set("resume", true);
  else if (again !== "no" && "overwrite" in command.flags) values.set("overwrite", true);
  return { flags: flagValues(command.flags, values), positionals, config, configFile, reporter, interrupt, colour };
}
