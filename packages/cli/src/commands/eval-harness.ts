import {
  evaluateItems,
  evaluateTask,
  planTask,
  scoreTokens,
  type Task,
  type TaskPlan,
  type TaskResult,
  type TextScore,
  tasksByName,
} from "@zephyr/eval";
import { usageError } from "../errors/usage-error.ts";
import { localScore } from "../evaluation/local-score.ts";
import { readList } from "../evaluation/read-list.ts";
import { checkResult, resultFlags, saveResult } from "../evaluation/result-folder.ts";
import { choice, integer, text, texts, toggle } from "../flags/flag.ts";
import { openModel } from "../models/open-policy.ts";
import { command, type Invocation } from "./command.ts";

const flagTable = {
  model: text({ help: "the model to be evaluated: folder, or id on the Hub", placeholder: "DIR|ID" }),
  adapter: text({ help: "PEFT adapter on top of it", placeholder: "DIR" }),
  items: text({ help: "rows of your own: task, context, choices, gold", placeholder: "FILE" }),
  tasks: texts({ help: "arc_challenge, hellaswag, mmlu, truthfulqa_mc, winogrande", placeholder: "NAMES" }),
  data: text({ help: "rows of the tasks' evaluation split, as the Hugging Face data set has them", placeholder: "FILE" }),
  shotData: text({ help: "rows of the split that shots are drawn from", placeholder: "FILE" }),
  numFewshot: integer({ help: "shots [the published number]", min: 0 }),
  parity: choice({ help: "whose order and shots", choices: ["leaderboard-v1", "lm-eval-0.4"], default: "leaderboard-v1" }),
  bos: choice({ help: "BOS before each context [as the tokenizer says]", choices: ["on", "off"] }),
  limit: integer({ help: "only so many documents of each task", min: 1 }),
  tokensPerBatch: integer({ help: "most tokens scored at a time", default: 2048, min: 1 }),
  dryRun: toggle({ help: "print how many requests there would be, and their SHA-256" }),
  ...resultFlags,
};
type Harness = Invocation<typeof flagTable>;

/** `zephyr eval harness`: multiple choice, as lm-evaluation-harness does it. */
export const evalHarness = command({
  description:
    "Multiple-choice accuracy with standard errors, by log-likelihood: on --items of your own, or on published --tasks with their --data.",
  flags: flagTable,
  async run(invocation) {
    const { flags } = invocation;
    checkResult("harness", flags);
    if ((flags.items === undefined) === (flags.tasks === undefined)) throw usageError("give --items or --tasks, one of the two");
    if (flags.dryRun) return dryRun(flags);
    const results = await withScore(invocation, (score) => evaluate(invocation, score));
    const result = { results, ...Object.fromEntries(results.map((each) => [each.task, each])) };
    saveResult("harness", flags.output, { results });
    return { result, lines: results.map(line) };
  },
});

async function tasksOf({ tasks = [], data, shotData, ...rest }: Harness["flags"]) {
  if (data === undefined) throw usageError("--data is missing; --tasks needs the rows of the evaluation split");
  const rows = await readList<Record<string, unknown>>(data, "--data");
  const shotRows = shotData === undefined ? [] : await readList<Record<string, unknown>>(shotData, "--shot-data");
  return tasks.flatMap(named).map((task) => ({
    task,
    rows,
    shotRows,
    parity: rest.parity,
    ...(rest.numFewshot !== undefined && { numFewshot: rest.numFewshot }),
    ...(rest.limit !== undefined && { limit: rest.limit }),
  }));
}

function named(name: string): Task[] {
  try {
    return tasksByName(name);
  } catch (cause) {
    throw usageError((cause as Error).message, cause);
  }
}

async function dryRun(flags: Harness["flags"]) {
  if (flags.tasks === undefined) throw usageError("--dry-run hashes the requests of --tasks; leave --items out");
  const plans: TaskPlan[] = (await tasksOf(flags)).map(planTask);
  const [only] = plans;
  const result = plans.length === 1 ? { ...only } : { tasks: plans };
  const lines = plans.map(
    ({ task, requests, requests_sha256 }) => `${task}  ${requests} requests  requests_sha256 ${requests_sha256}`,
  );
  return { result, lines };
}

async function evaluate({ flags, reporter }: Harness, score: TextScore): Promise<TaskResult[]> {
  if (flags.items !== undefined) return evaluateItems(await readList(flags.items, "--items"), score);
  const results: TaskResult[] = [];
  for (const options of await tasksOf(flags)) {
    const progress = reporter.progress(options.task.name, options.rows.length);
    results.push(await evaluateTask({ ...options, score, onProgress: (done) => progress.update(done) }));
    progress.end();
  }
  return results;
}

async function withScore<T>({ flags, reporter }: Harness, work: (score: TextScore) => Promise<T>): Promise<T> {
  const { model, bos, tokensPerBatch } = flags;
  if (model === undefined) throw usageError("--model is missing; give a model folder, or --dry-run");
  using opened = await openModel({ model, adapter: flags.adapter }, reporter);
  const { tokenizer, config } = opened.policy;
  if (!tokenizer) throw new Error(`eval harness: ${model} has no tokenizer; put tokenizer.json into its folder`);
  using local = localScore(opened.policy, tokensPerBatch);
  // lm-evaluation-harness gives a model that sees n positions sequences of n + 1 tokens, the last being predicted only.
  const maxLength = config.maxPositionEmbeddings;
  return await work(scoreTokens({ tokenizer, score: local.score, maxLength, ...(bos !== undefined && { bos }) }));
}

function line({ task, n, ...metrics }: TaskResult): string {
  const shown = Object.entries(metrics).filter(([name, value]) => typeof value === "number" && name !== "num_fewshot");
  return [task, `n ${n}`, ...shown.map(([name, value]) => `${name} ${(value as number).toFixed(4)}`)].join("  ");
}
