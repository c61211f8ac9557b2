import { join } from "node:path";
import type { Generate } from "@zephyr/data";
import { type CostPreview, previewCost } from "@zephyr/eval";
import { usageError } from "../errors/usage-error.ts";
import { readConfigFile } from "../flags/config-file.ts";
import { text, toggle } from "../flags/flag.ts";
import type { Interrupt } from "../interrupt/interrupt.ts";
import { type JudgeConfig, judgeConfig, openJudge, type Replying } from "./live-judge.ts";

/** Flags of every evaluation that can ask a judge. */
export const judgeFlags = {
  secondJudge: text({ help: "live: config of a second judge, whose agreement with the first is reported", placeholder: "FILE" }),
  resume: toggle({ help: "live: take up a run whose result is in --output; only what failed is asked again" }),
  dryRun: toggle({ help: "live: print requests, tokens and the range of the cost; send nothing" }),
};

export interface JudgeRunOptions {
  config: Record<string, unknown>;
  configFile: string | undefined;
  secondJudge: string | undefined;
  /** Text unless told. */
  replying?: Replying;
  interrupt: Interrupt;
  output: string;
}

/** What a judge is asked with, whichever judge it is. */
export interface Asking {
  judge: Generate;
  judgeName: string;
  concurrency: number;
}

/** One judge's part of a run. */
export interface JudgeRun<T> {
  name: string;
  found: T;
}

/** Runs the same judging with the judge of `--config` and, if there is one, with the second; each keeps a journal in `output`. */
export async function runJudges<T>(
  options: JudgeRunOptions,
  work: (asking: Asking) => Promise<T>,
): Promise<[JudgeRun<T>, ...JudgeRun<T>[]]> {
  const [first, ...others] = await configs(options);
  const one = async (judge: JudgeConfig, file: string): Promise<JudgeRun<T>> => {
    await using live = await openJudge(judge, join(options.output, file), options.interrupt);
    return { name: live.name, found: await work({ judge: live.judge, judgeName: live.name, concurrency: live.concurrency }) };
  };
  const runs: [JudgeRun<T>, ...JudgeRun<T>[]] = [await one(first, "judge.journal")];
  for (const judge of others) runs.push(await one(judge, "second-judge.journal"));
  return runs;
}

/** What a run would cost, judge by judge, and all of them together against the budget. */
export interface JudgingPreview extends CostPreview {
  judges: (CostPreview & { judge: string; budget_usd: number | null })[];
}

/** Counts what `work` would ask, without asking it. */
export async function previewJudges(
  options: Omit<JudgeRunOptions, "interrupt" | "output">,
  work: (asking: Asking) => Promise<unknown>,
): Promise<JudgingPreview> {
  const judges: JudgingPreview["judges"] = [];
  for (const { model, budgetUsd } of await configs(options)) {
    const asking = { judgeName: model.name, concurrency: 16 };
    const preview = await previewCost((judge) => work({ ...asking, judge }), model.price ? { price: model.price } : {});
    judges.push({ judge: model.name, budget_usd: budgetUsd ?? null, ...preview });
  }
  const sum = (of: (one: CostPreview) => number) => judges.reduce((total, one) => total + of(one), 0);
  const priced = judges.every((one) => one.cost_usd !== null);
  return {
    requests: sum((one) => one.requests),
    prompt_tokens: sum((one) => one.prompt_tokens),
    completion_tokens: [sum((one) => one.completion_tokens[0]), sum((one) => one.completion_tokens[1])],
    cost_usd: priced ? [sum((one) => one.cost_usd![0]), sum((one) => one.cost_usd![1])] : null,
    judges,
  };
}

/** The preview for people, one line per judge. */
export function previewLines({ judges }: JudgingPreview): string[] {
  return judges.map(({ judge, requests, prompt_tokens, completion_tokens, cost_usd, budget_usd }) => {
    const tokens = `about ${prompt_tokens} prompt tokens, ${completion_tokens.join(" to ")} completion tokens`;
    const cost = cost_usd === null ? "no price given" : `$${cost_usd[0].toFixed(2)} to $${cost_usd[1].toFixed(2)}`;
    const cap = budget_usd === null ? "no budget" : `budget $${budget_usd.toFixed(2)}, never exceeded`;
    return `${judge}  ${requests} requests, ${tokens}, ${cost}, ${cap}`;
  });
}

async function configs({
  config,
  configFile,
  secondJudge,
  replying = "text",
}: Pick<JudgeRunOptions, "config" | "configFile" | "secondJudge" | "replying">): Promise<[JudgeConfig, ...JudgeConfig[]]> {
  const first = await judgeConfig(config, configFile, replying);
  if (secondJudge === undefined) return [first];
  const second = await judgeConfig(await readConfigFile(secondJudge), secondJudge, replying);
  if (second.model.name === first.model.name)
    throw usageError(`--second-judge ${secondJudge} names the judge "${first.model.name}" again; give another, or another name`);
  return [first, second];
}
