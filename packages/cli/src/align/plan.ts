import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { readRows } from "@zephyr/data";
import type { TrainingShape, WeightDtype } from "@zephyr/train-webgpu";
import { adapterShape, gibibytes, inspectTraining } from "../inspect/inspect-training.ts";
import { duration } from "../progress/progress.ts";
import { leastTime, paceOfFeedback, paceOfTraining } from "./pace.ts";
import type { Stage } from "./stages.ts";

/** What can be said about a stage before it begins; null where it depends on an earlier stage that has not run. */
export interface PlannedStage {
  name: string;
  command: string;
  status: "done" | "goes on" | "to do";
  /** At most so many: stages before may drop some. */
  rows: number | null;
  /** The data set on the Hub that has to be downloaded before its rows can be counted. */
  on_hub?: string;
  requests?: number | null;
  /** US dollars, least and most; null without prices. */
  cost_usd?: readonly [number, number] | null;
  /** Optimizer steps. */
  steps?: number | null;
  /** Rows are packed, so that there will be fewer steps. */
  packed?: true;
  /** All that the device must hold, for the longest micro-batch that there may be; null where the model is not there yet. */
  memory_bytes?: number | null;
  /** What a finished stage took. */
  seconds?: number;
  /** Of what is left of a stage that goes on, at its pace so far. */
  seconds_left?: number;
  /** Requests take at least so long under the limits per minute. */
  least_seconds?: number;
}

interface Estimate {
  requests: number;
  cost_usd: [number, number] | null;
  models: Record<string, { requests: number }>;
}

type LoraShape = NonNullable<TrainingShape["lora"]>;

/** Asks a command for its own estimate: the dry run of `complete` and `rate`. */
export type DryRun = (stage: Stage) => Promise<{ estimate?: Estimate }>;

/** The stages with rows, requests, cost, steps and memory, as far as the files that are there tell. Sends nothing, trains nothing. */
export async function planStages(
  stages: readonly Stage[],
  before: ReadonlyMap<string, { status: "begun" | "done"; seconds: number }>,
  dryRun: DryRun,
): Promise<PlannedStage[]> {
  const counts = new Map<string, number>();
  const models = new Map<string, string>();
  const adapters = new Map<string, LoraShape>();
  const outputs = new Set(stages.map(({ given }) => given.get("output")));
  const planned: PlannedStage[] = [];
  for (const stage of stages) {
    const known = before.get(stage.name);
    const rows = await rowsOf(stage, counts);
    const output = stage.given.get("output");
    if (typeof output === "string" && rows !== null) counts.set(output, rows);
    const status = known === undefined ? "to do" : known.status === "done" ? "done" : "goes on";
    const { name, words: command } = stage;
    const model = stage.given.get("model");
    // A stage that begins with what an earlier one makes has a model of the earlier one's shape.
    const shape = typeof model === "string" ? (models.get(model) ?? model) : undefined;
    if (typeof output === "string" && shape !== undefined) models.set(output, shape);
    const lora = loraOf(stage, adapters);
    if (typeof output === "string" && lora) adapters.set(output, lora);
    const data = stage.given.get("data");
    const onHub = rows === null && typeof data === "string" && !outputs.has(data) ? { on_hub: data } : {};
    const common = { name, command, status, rows, ...onHub } as const;
    if (status === "done") planned.push({ ...common, seconds: known!.seconds });
    else planned.push({ ...common, ...(await requestsOf(stage, dryRun)), ...(await trainingOf(stage, rows, shape, adapters)) });
  }
  return planned;
}

async function rowsOf({ given }: Stage, counts: ReadonlyMap<string, number>): Promise<number | null> {
  const path = given.get("data") ?? given.get("input");
  if (typeof path !== "string") return null;
  if (!existsSync(path) || !statSync(path).isFile()) return counts.get(path) ?? null;
  let count = 0;
  for await (const _ of readRows(path)) count++;
  return count;
}

async function requestsOf(stage: Stage, dryRun: DryRun): Promise<Partial<PlannedStage>> {
  if (!("dryRun" in stage.command.flags)) return {};
  const input = stage.given.get("input");
  if (typeof input === "string" && !existsSync(input)) return { requests: null, cost_usd: null };
  const { estimate } = await dryRun(stage);
  const output = stage.given.get("output");
  return {
    requests: estimate?.requests ?? null,
    cost_usd: estimate?.cost_usd ?? null,
    ...(estimate && leastTime(estimate, stage.config)),
    ...(typeof output === "string" && paceOfFeedback(output)),
  };
}

async function trainingOf(
  stage: Stage,
  rows: number | null,
  model: string | undefined,
  adapters: ReadonlyMap<string, LoraShape>,
): Promise<Partial<PlannedStage>> {
  const { words, given } = stage;
  if (words !== "sft" && words !== "dpo") return {};
  const setting = (name: string): number => Number(settingOf(stage, name));
  const perStep = setting("perDeviceTrainBatchSize") * setting("gradientAccumulationSteps");
  const maxSteps = setting("maxSteps");
  const steps = rows === null ? null : Math.ceil(Math.ceil(rows / perStep) * setting("numTrainEpochs"));
  const isPacked = maxSteps <= 0 && settingOf(stage, "packing") === true;
  const output = given.get("output");
  return {
    steps: maxSteps > 0 ? maxSteps : steps,
    ...(isPacked && { packed: true }),
    ...(await memoryOf(stage, model, adapters)),
    ...(typeof output === "string" && paceOfTraining(output)),
  };
}

/** As `zephyr inspect MODEL --train` says it; a reference that is kept loaded comes on top. */
async function memoryOf(
  stage: Stage,
  model: string | undefined,
  adapters: ReadonlyMap<string, LoraShape>,
): Promise<Pick<PlannedStage, "memory_bytes">> {
  const config = model === undefined ? undefined : join(model, "config.json");
  if (model === undefined || !existsSync(config!)) return { memory_bytes: null };
  const { max_position_embeddings: context = 4096 } = JSON.parse(readFileSync(config!, "utf8")) as {
    max_position_embeddings?: number;
  };
  const lora = loraOf(stage, adapters);
  const { memory } = await inspectTraining(
    model,
    {
      batch: stage.words === "sft" ? "sequences" : "pairs",
      batchSize: Number(settingOf(stage, "perDeviceTrainBatchSize")),
      // No limit: as long as the model can read.
      maxLength: Number(settingOf(stage, "maxLength")) || context,
      dtype: settingOf(stage, "dtype") as WeightDtype,
      activationCheckpointing: settingOf(stage, "gradientCheckpointing") === true,
      ...(lora && { lora }),
    },
    undefined,
  );
  const copy = stage.given.get("reference") === "copy" ? memory.weights : 0;
  return { memory_bytes: memory.total + copy };
}

/** The adapter that a stage trains: a fresh one, that of a folder, or that of a stage before. */
function loraOf(stage: Stage, adapters: ReadonlyMap<string, LoraShape>): LoraShape | undefined {
  const init = stage.given.get("initAdapter");
  if (typeof init === "string") {
    return existsSync(join(init, "adapter_config.json")) ? adapterShape(init) : adapters.get(init);
  }
  const r = settingOf(stage, "loraR");
  if (r === undefined) return undefined;
  const modules = settingOf(stage, "loraTargetModules") as string[] | undefined;
  const everything = modules === undefined || (modules.length === 1 && modules[0] === "all-linear");
  return { r: r as number, targetModules: everything ? "all-linear" : modules };
}

/** A setting as the command will read it. */
function settingOf({ given, command }: Stage, name: string): unknown {
  const flag = command.flags[name];
  return given.has(name) && flag ? flag.parse(given.get(name), name) : flag?.fallback;
}

/** The plan as a person reads it: one line a stage. */
export function planLines(stages: readonly PlannedStage[]): string[] {
  const width = Math.max(...stages.map(({ name }) => name.length));
  const known = stages.flatMap(({ cost_usd }) => (cost_usd ? [cost_usd] : []));
  const [least, most] = [0, 1].map((end) => known.reduce((sum, range) => sum + range[end]!, 0));
  const total = known.length > 0 ? [`cost in all, as far as known: $${least!.toFixed(2)} to $${most!.toFixed(2)}`] : [];
  return [...stages.map((stage) => `  ${stage.name.padEnd(width)}  ${details(stage).join(", ")}`), ...total];
}

function details(stage: PlannedStage): string[] {
  const { command, status, rows, requests, cost_usd, steps, packed, memory_bytes, seconds, seconds_left, least_seconds } = stage;
  const unknown = stage.on_hub === undefined ? "as many as the stages before leave" : `known when ${stage.on_hub} is downloaded`;
  return [
    ...(command === stage.name ? [] : [command]),
    status === "done" ? `done in ${seconds!.toFixed(1)} s` : status,
    ...(rows === null ? [] : [`up to ${rows} rows`]),
    ...(requests === undefined ? [] : [`requests: ${requests ?? unknown}`]),
    ...(cost_usd ? [`$${cost_usd[0].toFixed(2)} to $${cost_usd[1].toFixed(2)}`] : requests ? ["no price"] : []),
    ...(steps === undefined ? [] : [`steps: ${steps === null ? unknown : packed ? `fewer than ${steps}, packed` : steps}`]),
    ...(memory_bytes ? [`${gibibytes(memory_bytes)} on the device`] : []),
    ...(memory_bytes === null ? ["memory: known when its model is there"] : []),
    ...(least_seconds === undefined ? [] : [`at least ${duration(least_seconds)} under its limits`]),
    ...(seconds_left === undefined ? [] : [`about ${duration(seconds_left)} left`]),
  ];
}
