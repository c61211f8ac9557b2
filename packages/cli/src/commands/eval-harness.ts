import {
  evaluateGeneration,
  evaluateItems,
  evaluateTask,
  generateTokens,
  groupAverage,
  planTask,
  scoreTokens,
  startsWithBos,
  type TaskPlan,
  type TaskResult,
  type TextGenerate,
  type TextScore,
} from "@zephyr/eval";
import { usageError } from "../errors/usage-error.ts";
import { type HarnessTask, harnessTasks } from "../evaluation/harness-tasks.ts";
import { localContinue } from "../evaluation/local-continue.ts";
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
  tasks: texts({ help: "arc_challenge, hellaswag, mmlu, truthfulqa_mc, winogrande, gsm8k", placeholder: "NAMES" }),
  data: text({
    help: "rows of the evaluation split, as the Hugging Face data set has them; a folder holds TASK.jsonl for each",
    placeholder: "FILE|DIR",
  }),
  shotData: text({ help: "rows of the split that shots are drawn from; or such a folder", placeholder: "FILE|DIR" }),
  numFewshot: integer({ help: "shots [the published number]", min: 0 }),
  parity: choice({ help: "whose order and shots", choices: ["leaderboard-v1", "lm-eval-0.4"], default: "leaderboard-v1" }),
  bos: choice({ help: "BOS before each context [as the tokenizer says]", choices: ["on", "off"] }),
  limit: integer({ help: "only so many documents of each task", min: 1 }),
  tokensPerBatch: integer({ help: "most tokens scored at a time", default: 2048, min: 1 }),
  dryRun: toggle({ help: "print how many requests there would be, and their SHA-256" }),
  ...resultFlags,
};
type Harness = Invocation<typeof flagTable>;

/** Most tokens of a prompt with its answer. */
const GENERATION_LENGTH = 4096;

/** `zephyr eval harness`: the Open LLM Leaderboard's tasks, as lm-evaluation-harness does them. */
export const evalHarness = command({
  description:
    "Accuracy with standard errors on --items of your own, or on published --tasks with their --data: choices by log-likelihood, GSM8K by what the model writes.",
  flags: flagTable,
  async run(invocation) {
    const { flags } = invocation;
    checkResult("harness", flags);
    if ((flags.items === undefined) === (flags.tasks === undefined)) throw usageError("give --items or --tasks, one of the two");
    if (flags.dryRun) return dryRun(flags);
    const results = await withModel(invocation, (model) => evaluate(invocation, model));
    const groups = groupsOf(results);
    const result = { results, ...Object.fromEntries(results.map((each) => [each.task, each])), ...groups };
    saveResult("harness", flags.output, { results, ...groups });
    return { result, lines: [...results.map(line), ...groupLines(groups)] };
  },
});

const nameOf = (task: HarnessTask): string => ("choice" in task ? task.choice : task.written).name;

async function dryRun(flags: Harness["flags"]) {
  if (flags.tasks === undefined) throw usageError("--dry-run hashes the requests of --tasks; leave --items out");
  const plans: TaskPlan[] = (await harnessTasks(flags)).map((task) => {
    if ("choice" in task) return planTask({ ...task, task: task.choice });
    throw usageError(`--dry-run hashes requests for log-likelihoods, and ${nameOf(task)} has none; leave it out`);
  });
  const [only] = plans;
  const result = plans.length === 1 ? { ...only } : { tasks: plans };
  const lines = plans.map(
    ({ task, requests, requests_sha256 }) => `${task}  ${requests} requests  requests_sha256 ${requests_sha256}`,
  );
  return { result, lines };
}

/** The model as the tasks ask it. */
interface AskedModel {
  score: TextScore;
  generate: TextGenerate;
  bos: "on" | "off";
}

async function evaluate({ flags, reporter }: Harness, { score, generate, bos }: AskedModel): Promise<TaskResult[]> {
  if (flags.items !== undefined)
    return (await evaluateItems(await readList(flags.items, "--items"), score)).map((result) => ({ ...result, bos }));
  const results: TaskResult[] = [];
  for (const task of await harnessTasks(flags)) {
    const progress = reporter.progress(nameOf(task), task.rows.length);
    const onProgress = (done: number): void => progress.update(done);
    const result =
      "choice" in task
        ? await evaluateTask({ ...task, task: task.choice, score, onProgress })
        : await evaluateGeneration({ ...task, task: task.written, generate, onProgress });
    progress.end();
    results.push({ ...result, bos, parity: flags.parity });
  }
  return results;
}

async function withModel<T>({ flags, reporter }: Harness, work: (model: AskedModel) => Promise<T>): Promise<T> {
  const { model, tokensPerBatch } = flags;
  if (model === undefined) throw usageError("--model is missing; give a model folder, or --dry-run");
  using opened = await openModel({ model, adapter: flags.adapter }, reporter);
  const { tokenizer, config } = opened.policy;
  if (!tokenizer) throw new Error(`eval harness: ${model} has no tokenizer; put tokenizer.json into its folder`);
  using local = localScore(opened.policy, tokensPerBatch);
  // lm-evaluation-harness gives a model that sees n positions sequences of n + 1 tokens, the last being predicted only.
  const maxLength = config.maxPositionEmbeddings;
  const bos = flags.bos === undefined ? {} : { bos: flags.bos };
  const score = scoreTokens({ tokenizer, score: local.score, maxLength, ...bos });
  // The cache is made when the first answer is to be written.
  let writer: ReturnType<typeof localContinue> | undefined;
  const generate = generateTokens({
    ...{ tokenizer, maxLength: Math.min(GENERATION_LENGTH, maxLength), ...bos },
    generate: (requests) => {
      writer ??= localContinue(opened.policy, Math.min(GENERATION_LENGTH, maxLength));
      return writer.generate(requests);
    },
  });
  try {
    return await work({ score, generate, bos: startsWithBos(tokenizer, flags.bos) ? "on" : "off" });
  } finally {
    writer?.[Symbol.dispose]();
  }
}

type Groups = { groups?: { mmlu: ReturnType<typeof groupAverage> } };

/** MMLU's average where more than one subject was asked. */
function groupsOf(results: readonly TaskResult[]): Groups {
  const subjects = results.filter(({ task }) => task.startsWith("mmlu_"));
  return subjects.length > 1 ? { groups: { mmlu: groupAverage(subjects, "acc") } } : {};
}

function groupLines({ groups }: Groups): string[] {
  if (!groups) return [];
  const { unweighted, weighted, weighted_stderr, n } = groups.mmlu;
  return [
    `mmlu  n ${n}  acc ${unweighted.toFixed(4)} (mean of subjects)  acc ${weighted.toFixed(4)} (mean of documents)  stderr ${weighted_stderr.toFixed(4)}`,
  ];
}

function line({ task, n, ...metrics }: TaskResult): string {
  const shown = Object.entries(metrics).filter(([name, value]) => typeof value === "number" && name !== "num_fewshot");
  return [task, `n ${n}`, ...shown.map(([name, value]) => `${name} ${(value as number).toFixed(4)}`)].join("  ");
}
