import { usageError } from "../errors/usage-error.ts";
import { didYouMean, nearest } from "../flags/nearest.ts";
import type { Command } from "./command.ts";

interface Entry {
  summary: string;
  load: () => Promise<Command>;
}

/** Every command there is, loaded when it is called. */
const COMMANDS: Record<string, Entry> = {
  doctor: { summary: "what training would run on", load: async () => (await import("./doctor.ts")).doctor as Command },
  init: { summary: "a recipe and a config to begin with", load: async () => (await import("./init.ts")).init as Command },
  inspect: {
    summary: "what a data file or a model folder holds",
    load: async () => (await import("./inspect.ts")).inspect as Command,
  },
  "generate-dialogues": {
    summary: "dialogues for supervised fine-tuning, from two models",
    load: async () => (await import("./feedback.ts")).generateDialogues as Command,
  },
  complete: { summary: "answers of a pool of models", load: async () => (await import("./feedback.ts")).complete as Command },
  rate: { summary: "ratings of the answers by a judge", load: async () => (await import("./feedback.ts")).rate as Command },
  worker: {
    summary: "sends what complete, rate and generate-dialogues hand over by --redis",
    load: async () => (await import("./worker.ts")).worker as Command,
  },
  binarize: {
    summary: "rated answers to preference pairs",
    load: async () => (await import("./binarize.ts")).binarize as Command,
  },
  prepare: { summary: "clean, mix and split rows", load: async () => (await import("./prepare.ts")).prepare as Command },
  sft: { summary: "supervised fine-tuning on dialogues", load: async () => (await import("./sft.ts")).sft as Command },
  dpo: { summary: "direct preference optimization on pairs", load: async () => (await import("./dpo.ts")).dpo as Command },
  merge: { summary: "an adapter into its base model", load: async () => (await import("./merge.ts")).merge as Command },
  score: { summary: "log-probabilities of rows under a model", load: async () => (await import("./score.ts")).score as Command },
  "eval preferences": {
    summary: "rewards on held-out pairs",
    load: async () => (await import("./eval-preferences.ts")).evalPreferences as Command,
  },
  "eval alpaca": { summary: "AlpacaEval", load: async () => (await import("./eval-alpaca.ts")).evalAlpaca as Command },
  "eval mt-bench": { summary: "MT-Bench", load: async () => (await import("./eval-mt-bench.ts")).evalMtBench as Command },
  "eval harness": { summary: "multiple choice", load: async () => (await import("./eval-harness.ts")).evalHarness as Command },
  report: { summary: "one page that shows a run", load: async () => (await import("./report.ts")).report as Command },
  watch: {
    summary: "runs and feedback jobs as they go on, in a live page or as lines",
    load: async () => (await import("./watch.ts")).watch as Command,
  },
  align: { summary: "a whole recipe, stage by stage", load: async () => (await import("./align.ts")).align as Command },
  "export trl": {
    summary: "a stage for TRL and accelerate, on many GPUs",
    load: async () => (await import("./export-trl.ts")).exportTrl as Command,
  },
  import: {
    summary: "an alignment-handbook recipe as a config",
    load: async () => (await import("./import.ts")).importRecipe as Command,
  },
  completion: {
    summary: "what bash, zsh or fish complete",
    load: async () => (await import("./completion.ts")).completion as Command,
  },
  serve: { summary: "a local model behind OpenAI's API", load: async () => (await import("./serve.ts")).serve as Command },
  generate: { summary: "completions of a local model", load: async () => (await import("./generate.ts")).generate as Command },
};

export const commandNames: ReadonlyMap<string, { summary: string }> = new Map(Object.entries(COMMANDS));

/** All commands, loaded, by their name: one word or two. */
export async function loadCommands(): Promise<Map<string, { summary: string; command: Command }>> {
  const loaded = Object.entries(COMMANDS).map(
    async ([name, { summary, load }]) => [name, { summary, command: await load() }] as const,
  );
  return new Map(await Promise.all(loaded));
}

/** The command that `argv` begins with (one word or two), and the arguments after it. Throws a usage error for one that is not there. */
export async function findCommand(argv: readonly string[]): Promise<{ name: string; command: Command; rest: string[] }> {
  const [first = "", second = ""] = argv;
  const pair = `${first} ${second}`;
  if (Object.hasOwn(COMMANDS, pair)) return { name: pair, command: await COMMANDS[pair]!.load(), rest: argv.slice(2) };
  if (Object.hasOwn(COMMANDS, first)) return { name: first, command: await COMMANDS[first]!.load(), rest: argv.slice(1) };
  const names = Object.keys(COMMANDS);
  const seconds = names.filter((name) => name.startsWith(`${first} `)).map((name) => name.slice(first.length + 1));
  const firstWords = [...new Set(names.map((name) => name.split(" ")[0]!))];
  if (seconds.length === 0)
    throw usageError(`unknown command ${JSON.stringify(first)}${didYouMean(first, firstWords)}; \`zephyr --help\` lists them`);
  if (second === "" || second.startsWith("-")) throw usageError(`${first} needs one more word: ${seconds.join(", ")}`);
  const found = nearest(second, seconds);
  const hint = found === undefined ? `; there are ${seconds.join(", ")}` : ` (did you mean ${found}?)`;
  throw usageError(`unknown command ${JSON.stringify(pair)}${hint}`);
}
