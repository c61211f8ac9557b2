import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { usageError } from "../errors/usage-error.ts";
import { text, toggle } from "../flags/flag.ts";
import { writeJson } from "../training/run-folder.ts";

/** Where an evaluation leaves what it found. */
export const resultFlags = {
  output: text({ help: "folder for the result, which `zephyr report` reads", placeholder: "DIR" }),
  overwrite: toggle({ help: "replace the result in --output" }),
};

/** Names of the result files, by evaluation. */
export const RESULT_FILES = {
  preferences: "eval-preferences.json",
  alpaca: "eval-alpaca.json",
  mtBench: "eval-mt-bench.json",
  harness: "eval-harness.json",
} as const;

/** What `eval mt-bench` keeps beside its result: what was asked, answered and judged. */
export const MT_BENCH_FILES = { questions: "question.jsonl", answers: "answers.jsonl", judgments: "judgments.jsonl" } as const;

/** Throws a usage error when the folder holds such a result already. */
export function checkResult(
  kind: keyof typeof RESULT_FILES,
  { output, overwrite, resume = false }: { output: string | undefined; overwrite: boolean; resume?: boolean },
): void {
  if (output === undefined || overwrite || resume || !existsSync(join(output, RESULT_FILES[kind]))) return;
  throw usageError(`--output ${output} holds ${RESULT_FILES[kind]}; pass --overwrite to replace it, or choose another folder`);
}

/** Writes the result into the folder, if one was given. */
export function saveResult(kind: keyof typeof RESULT_FILES, output: string | undefined, result: object): void {
  if (output === undefined) return;
  mkdirSync(output, { recursive: true });
  writeJson(join(output, RESULT_FILES[kind]), result);
}
