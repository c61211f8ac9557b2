import { expect, test } from "vitest";
import { cpythonRandom } from "../random/cpython-random.ts";
import { evaluateGeneration, generateTokens } from "./evaluate-generation.ts";
import type { PromptRequest } from "./generation-task.ts";
import { gsm8k } from "./gsm8k.ts";

const row = (i: number) => ({
  question: `What is ${i} plus ${i}?`,
  answer: `${i} + ${i} = <<${i}+${i}=${2 * i}>>${2 * i}\n#### ${2 * i}`,
});
const rows = Array.from({ length: 40 }, (_, i) => row(i));
const shotRows = Array.from({ length: 100 }, (_, i) => row(100 + i));

test("prompts are five shots drawn as CPython draws them, then the question; stop texts follow the parity", async () => {
  const asked: PromptRequest[] = [];
  const generate = async (requests: readonly PromptRequest[]) => {
    asked.push(...requests);
    return requests.map(() => "");
  };
  await evaluateGeneration({ task: gsm8k, rows, shotRows, generate, limit: 3, parity: "lm-eval-0.4" });
  const shots = cpythonRandom(1234)
    .sample(shotRows, 5)
    .map(({ question, answer }) => `Question: ${question}\nAnswer: ${answer}\n\n`)
    .join("");
  expect(asked[0]).toEqual({
    context: `${shots}Question: What is 0 plus 0?\nAnswer:`,
    stop: ["Question:", "</s>", "<|im_end|>"],
    maxTokens: 256,
  });
  asked.length = 0;
  const result = await evaluateGeneration({ task: gsm8k, rows, shotRows, generate });
  expect(asked).toHaveLength(40);
  expect(asked[0]!.stop).toEqual([":", "Question:", "Question"]);
  expect(result).toMatchObject({ task: "gsm8k", n: 40, num_fewshot: 5, main_metric: "acc", acc: 0, acc_stderr: 0 });
});

test("a right number counts where lm-eval counts it", () => {
  const v1 = (completion: string, answer = "so\n#### 1,234") => gsm8k.rules["leaderboard-v1"].score(completion, answer)["acc"];
  expect([" #### 1234", " #### 1,234", " #### 1234.", " 1234", " #### 1234 #### 5"].map((text) => v1(text))).toEqual([
    1, 1, 0, 0, 1,
  ]);
  const v4 = (completion: string, answer = "so\n#### 1,234") => {
    const { exact_match, exact_match_flexible } = gsm8k.rules["lm-eval-0.4"].score(completion, answer);
    return [exact_match, exact_match_flexible];
  };
  expect(v4(" x #### 1,234")).toEqual([1, 1]);
  expect(v4(" x #### 1234.")).toEqual([1, 1]);
  expect(v4(" It costs $1,234.")).toEqual([0, 1]);
  expect(v4(" 1234 of 99")).toEqual([0, 0]);
  expect(v4(" no number")).toEqual([0, 0]);
  expect(v4(" #### -7", "so #### -7")).toEqual([1, 1]);
});

test("rows of another data set, a missing text and a window that is too small are named", async () => {
  const silent = async () => [undefined] as unknown as string[];
  await expect(evaluateGeneration({ task: gsm8k, rows: [{ question: "q" }], numFewshot: 0, generate: silent })).rejects.toThrow(
    /answer/,
  );
  await expect(
    evaluateGeneration({ task: gsm8k, rows: [{ question: "q", answer: "4" }], numFewshot: 0, generate: silent }),
  ).rejects.toThrow(/#### number/);
  await expect(evaluateGeneration({ task: gsm8k, rows: [row(1)], numFewshot: 0, generate: silent })).rejects.toThrow(
    /must give a text/,
  );
  const tokenizer = { encode: (text: string) => [...text].map((c) => c.charCodeAt(0)), bosTokenId: 1, eosTokenId: 2 };
  const promptsOf = async (maxLength: number, bos?: "on" | "off") => {
    const seen: number[][] = [];
    const generate = generateTokens({
      tokenizer,
      maxLength,
      ...(bos && { bos }),
      generate: async (requests) => {
        seen.push(...requests.map(({ promptIds }) => promptIds));
        return requests.map(() => "");
      },
    });
    await generate([{ context: "abcdef", stop: [], maxTokens: 4 }]);
    return seen[0];
  };
  expect(await promptsOf(20, "on")).toEqual([1, 97, 98, 99, 100, 101, 102]);
  expect(await promptsOf(20)).toHaveLength(6);
  expect(await promptsOf(7, "on")).toEqual([100, 101, 102]);
  await expect(promptsOf(4)).rejects.toThrow(/sees 4 tokens and 4/);
});
