import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { readRows } from "@zephyr/data";
import { inspectModel } from "../inspect/inspect-model.ts";
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
  /** Optimizer steps, unpacked. */
  steps?: number | null;
  /** Weights, gradients and optimizer on the device, before activations. */
  memory_mib?: number | null;
  /** What a finished stage took. */
  seconds?: number;
}

interface Estimate {
  requests: number;
  cost_usd: [number, number] | null;
}

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
    const data = stage.given.get("data");
    const onHub = rows === null && typeof data === "string" && !outputs.has(data) ? { on_hub: data } : {};
    const common = { name, command, status, rows, ...onHub } as const;
    if (status === "done") planned.push({ ...common, seconds: known!.seconds });
    else planned.push({ ...common, ...(await requestsOf(stage, dryRun)), ...(await trainingOf(stage, rows, shape)) });
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
  return { requests: estimate?.requests ?? null, cost_usd: estimate?.cost_usd ?? null };
}

async function trainingOf({ words, given, command }: Stage, rows: number | null, model = ""): Promise<Partial<PlannedStage>> {
  if (words !== "sft" && words !== "dpo") return {};
  const setting = (name: string): number => Number(given.get(name) ?? command.flags[name]!.fallback);
  const perStep = setting("perDeviceTrainBatchSize") * setting("gradientAccumulationSteps");
  const maxSteps = setting("maxSteps");
  const steps = rows === null ? null : Math.ceil(Math.ceil(rows / perStep) * setting("numTrainEpochs"));
  const loraR = given.get("loraR");
  const memory = existsSync(join(model, "config.json"))
    ? (await inspectModel(model, Number(loraR ?? 16))).memory[loraR === undefined ? "full" : "lora"].total_bytes / 2 ** 20
    : null;
  return { steps: maxSteps > 0 ? maxSteps : steps, memory_mib: memory };
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
  const { command, status, rows, requests, cost_usd, steps, memory_mib, seconds } = stage;
  const unknown = stage.on_hub === undefined ? "as many as the stages before leave" : `known when ${stage.on_hub} is downloaded`;
  return [
    ...(command === stage.name ? [] : [command]),
    status === "done" ? `done in ${seconds!.toFixed(1)} s` : status,
    ...(rows === null ? [] : [`up to ${rows} rows`]),
    ...(requests === undefined ? [] : [`requests: ${requests ?? unknown}`]),
    ...(cost_usd ? [`$${cost_usd[0].toFixed(2)} to $${cost_usd[1].toFixed(2)}`] : requests ? ["no price"] : []),
    ...(steps === undefined ? [] : [`steps: ${steps ?? unknown}`]),
    ...(memory_mib ? [`${memory_mib.toFixed(0)} MiB on the device before activations (f32)`] : []),
  ];
}
