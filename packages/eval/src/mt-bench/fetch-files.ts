import { join } from "node:path";
import { fetchChecked } from "../fetch-checked.ts";

/** MT-Bench's own files in lm-sys/FastChat (Apache-2.0), by commit, with the SHA-256 each must have. */
export const MT_BENCH_COMMIT = "0e6d3e4beaab66f4d3f93db72541a4abab8af28d";
const FILES = [
  {
    name: "question.jsonl",
    path: "fastchat/llm_judge/data/mt_bench/question.jsonl",
    sha256: "119565adbab82227089cefdb44c8d7e2cf04dc0a0ec233634c82e7d4e2a944f7",
  },
  {
    name: "judge_prompts.jsonl",
    path: "fastchat/llm_judge/data/judge_prompts.jsonl",
    sha256: "fd283293406d024f44c174b094ef48031d0687a4682fd3a56b29b138f80281b6",
  },
  {
    name: "reference_answer/gpt-4.jsonl",
    path: "fastchat/llm_judge/data/mt_bench/reference_answer/gpt-4.jsonl",
    sha256: "f957a5bc977badb66885ec970e6cd08527845780313f0995764260e5777b9b3f",
  },
] as const;

/**
 * Brings MT-Bench's questions, judge prompts and reference answers into `folder`; what is there already is not fetched.
 * Throws when a file cannot be had or its SHA-256 differs, naming both sums.
 */
export async function fetchMtBenchFiles(
  folder: string,
  {
    baseUrl = `https://raw.githubusercontent.com/lm-sys/FastChat/${MT_BENCH_COMMIT}`,
    signal,
  }: { baseUrl?: string; signal?: AbortSignal } = {},
): Promise<{ questions: string; judgePrompts: string; referenceAnswers: string }> {
  for (const { name, path, sha256 } of FILES)
    await fetchChecked({ url: `${baseUrl}/${path}`, target: join(folder, name), sha256 }, signal);
  const [questions, judgePrompts, referenceAnswers] = FILES.map(({ name }) => join(folder, name));
  return { questions: questions!, judgePrompts: judgePrompts!, referenceAnswers: referenceAnswers! };
}
