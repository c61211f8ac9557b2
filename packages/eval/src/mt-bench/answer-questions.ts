import type { Generate, Message } from "@zephyr/data";
import { type Answered, type AskOptions, askAll, type Call } from "../judging/ask-all.ts";
import { type ModelAnswer, type Question, temperatureOf } from "./rows.ts";

export interface AnswerQuestionsOptions extends AskOptions {
  questions: readonly Question[];
  generate: Generate;
  modelId: string;
  maxTokens?: number;
}

/**
 * A model's two-turn answers to MT-Bench's questions: temperature by category, 1024 tokens a turn, seed 0, the second turn
 * asked with the first answer in the conversation. Throws, naming the question, when a call fails: a missing answer must
 * not be graded.
 */
export async function answerQuestions({
  questions,
  generate,
  modelId,
  maxTokens = 1024,
  ...asking
}: AnswerQuestionsOptions): Promise<ModelAnswer[]> {
  const conversations = questions.map((): Message[] => []);
  const longest = Math.max(0, ...questions.map((question) => question.turns.length));
  for (let turn = 0; turn < longest; turn++) {
    const open = questions.flatMap((question, q) => (turn < question.turns.length ? [{ question, q }] : []));
    const calls = open.map(({ question, q }): Call => {
      conversations[q]!.push({ role: "user", content: question.turns[turn]! });
      return { messages: [...conversations[q]!], options: { temperature: temperatureOf(question.category), maxTokens, seed: 0 } };
    });
    const outcomes = await askAll(calls, generate, { judgeName: modelId, ...asking });
    open.forEach(({ question, q }, i) => {
      conversations[q]!.push({ role: "assistant", content: textOf(outcomes[i]!, question, turn) });
    });
  }
  return questions.map((question, q) => ({
    question_id: question.question_id,
    model_id: modelId,
    choices: [
      { index: 0, turns: conversations[q]!.filter((message) => message.role === "assistant").map((message) => message.content) },
    ],
  }));
}

function textOf(outcome: Answered, question: Question, turn: number): string {
  if (outcome.ok) return outcome.completion.content.trim();
  throw new Error(
    `answerQuestions: question ${question.question_id}, turn ${turn + 1} was not answered: ${outcome.error.message}; run again to ask only what is missing`,
    {
      cause: outcome.error,
    },
  );
}
