import type { Generate } from "@zephyr/data";
import { type Answered, type AskOptions, askAll } from "../judging/ask-all.ts";
import { type JudgeRequest, judgeRequest } from "./judge-prompts.ts";
import { parseRating, winnerOfGame } from "./parse-judgment.ts";
import type { JudgePrompt, ModelAnswer, PairJudgment, Question, SingleJudgment } from "./rows.ts";

/** What is judged: questions, answers, references, and by which prompts. */
export interface JudgeAnswersOptions extends AskOptions {
  questions: readonly Question[];
  /** Answers of one or several models. */
  answers: readonly ModelAnswer[];
  /** The judge's reference answers. */
  references: readonly ModelAnswer[];
  prompts: readonly JudgePrompt[];
  judge: Generate;
  judgeName: string;
  /** Tokens of a judgment, 2048 unless told. */
  maxTokens?: number;
}

/** What FastChat writes where the judge could not be reached; it holds no rating and so does not count. */
const FAILED = "$ERROR$";
const TURNS = [1, 2] as const;

/**
 * Grades every answer from 1 to 10, both turns, reference-guided in math, reasoning and coding: two calls per question and
 * model. A failed call gives score -1 and is not stored; run again to fill it. Throws when an answer or reference is missing.
 */
export async function gradeAnswers(options: JudgeAnswersOptions): Promise<SingleJudgment[]> {
  const { questions, answers, judge, judgeName, maxTokens = 2048 } = options;
  const models = [...new Set(answers.map((answer) => answer.model_id))];
  const jobs = models.flatMap((model) =>
    TURNS.flatMap((turn) =>
      questions
        .filter((question) => question.turns.length >= turn)
        .map((question) => ({ model, turn, question, request: requestFor(options, question, turn, [model]) })),
    ),
  );
  const outcomes = await askAll(
    calls(
      jobs.map((job) => job.request),
      maxTokens,
    ),
    judge,
    options,
  );
  return jobs.map(({ model, turn, question, request }, i) => {
    const judgment = textOf(outcomes[i]!);
    return {
      question_id: question.question_id,
      model,
      judge: [judgeName, request.prompt],
      user_prompt: request.messages[1]!.content,
      judgment,
      score: parseRating(judgment),
      turn,
    };
  });
}

/**
 * Judges pairs of models on every question and turn in both orders: against `baseline`, or all pairs without it. Four
 * calls per question and pair. Throws when an answer, reference or the baseline is missing.
 */
export async function judgePairs(options: JudgeAnswersOptions & { baseline?: string }): Promise<PairJudgment[]> {
  const { questions, answers, judge, judgeName, maxTokens = 2048, baseline } = options;
  const models = [...new Set(answers.map((answer) => answer.model_id))].sort();
  if (baseline !== undefined && !models.includes(baseline))
    throw new RangeError(`judgePairs: the baseline "${baseline}" has no answers; there are ${models.join(", ")}`);
  const pairs = models.flatMap((one, i) => models.slice(i + 1).map((two) => [one, two] as const));
  const wanted =
    baseline === undefined ? pairs : models.filter((model) => model !== baseline).map((model) => [model, baseline] as const);
  const jobs = wanted.flatMap(([one, two]) =>
    TURNS.flatMap((turn) =>
      questions
        .filter((question) => question.turns.length >= turn)
        .map((question) => ({
          one,
          two,
          turn,
          question,
          games: [requestFor(options, question, turn, [one, two]), requestFor(options, question, turn, [two, one])] as const,
        })),
    ),
  );
  const outcomes = await askAll(
    calls(
      jobs.flatMap((job) => job.games),
      maxTokens,
    ),
    judge,
    options,
  );
  return jobs.map(({ one, two, turn, question, games }, i) => {
    const [first, second] = [textOf(outcomes[2 * i]!), textOf(outcomes[2 * i + 1]!)];
    return {
      question_id: question.question_id,
      model_1: one,
      model_2: two,
      g1_winner: winnerOfGame(first, 1),
      g2_winner: winnerOfGame(second, 2),
      judge: [judgeName, games[0].prompt],
      g1_user_prompt: games[0].messages[1]!.content,
      g1_judgment: first,
      g2_user_prompt: games[1].messages[1]!.content,
      g2_judgment: second,
      turn,
    };
  });
}

function requestFor(
  { prompts, answers, references }: JudgeAnswersOptions,
  question: Question,
  turn: 1 | 2,
  models: readonly string[],
): JudgeRequest {
  const chosen = models.map((model) => {
    const answer = answers.findLast(
      (candidate) => candidate.model_id === model && candidate.question_id === question.question_id,
    );
    if (!answer)
      throw new RangeError(`judgeAnswers: "${model}" has no answer to question ${question.question_id}; generate it first`);
    return answer;
  });
  const reference = references.findLast((candidate) => candidate.question_id === question.question_id);
  return judgeRequest({ prompts, question, turn, answers: chosen, reference });
}

const calls = (requests: readonly JudgeRequest[], maxTokens: number) =>
  requests.map(({ messages }) => ({ messages, options: { temperature: 0, maxTokens } }));

const textOf = (outcome: Answered) => (outcome.ok ? outcome.completion.content : FAILED);
