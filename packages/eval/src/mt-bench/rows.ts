/** One line of MT-Bench's `question.jsonl`: two user turns. Its own `reference` field is not what the judge sees. */
export interface Question {
  question_id: number;
  category: string;
  turns: string[];
}

/** One line of `model_answer/NAME.jsonl` or `reference_answer/NAME.jsonl`; only the first choice is judged. */
export interface ModelAnswer {
  question_id: number;
  model_id: string;
  choices: { index: number; turns: string[] }[];
  answer_id?: string;
  tstamp?: number;
}

/** One line of `judge_prompts.jsonl`. */
export interface JudgePrompt {
  name: string;
  system_prompt: string;
  prompt_template: string;
  output_format: string;
}

/** One single-answer grading; score is -1 where the judge gave none. */
export interface SingleJudgment {
  question_id: number;
  model: string;
  judge: [string, string];
  user_prompt?: string;
  judgment: string;
  score: number;
  turn: number;
  tstamp?: number;
}

/** "model_1" and "model_2" are the names of the row, not places on the screen. */
export type PairWinner = "model_1" | "model_2" | "tie" | "error";

/** One pair of games on a question and turn: in game 1 model_1 is shown as A, in game 2 as B. */
export interface PairJudgment {
  question_id: number;
  model_1: string;
  model_2: string;
  g1_winner: PairWinner;
  g2_winner: PairWinner;
  judge: [string, string];
  g1_user_prompt?: string;
  g1_judgment: string;
  g2_user_prompt?: string;
  g2_judgment: string;
  turn: number;
  tstamp?: number;
}

/** MT-Bench's eight categories in the order of their question ids, ten each from 81. */
export const CATEGORIES = ["writing", "roleplay", "reasoning", "math", "coding", "extraction", "stem", "humanities"] as const;

/** Categories whose judge sees a reference answer. */
export const REFERENCE_CATEGORIES: readonly string[] = ["math", "reasoning", "coding"];

/** Questions whose published GPT-4 reference answer is known to be wrong in at least one turn (FastChat pull request 3158). */
export const WRONG_REFERENCES: readonly number[] = [104, 105, 109, 111, 113, 114, 120, 122, 124, 125, 126, 128, 130];

const TEMPERATURES: Record<string, number> = {
  writing: 0.7,
  roleplay: 0.7,
  extraction: 0,
  math: 0,
  coding: 0,
  reasoning: 0,
  stem: 0.1,
  humanities: 0.1,
};

/** Sampling temperature of the answers in a category; 0.7 for a category MT-Bench does not know. */
export const temperatureOf = (category: string): number => TEMPERATURES[category] ?? 0.7;

/** Category of each question id: from the questions given, else MT-Bench's own ranges. */
export function categoriesOf(questions: readonly Question[] | undefined): (questionId: number) => string {
  if (!questions) return (id) => CATEGORIES[Math.floor((id - 81) / 10)] ?? "other";
  const byId = new Map(questions.map((question) => [question.question_id, question.category]));
  return (id) => byId.get(id) ?? "other";
}
