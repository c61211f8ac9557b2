import type { Message } from "@zephyr/data";
import { type JudgePrompt, type ModelAnswer, type Question, REFERENCE_CATEGORIES } from "./rows.ts";

export interface JudgeRequest {
  /** Name of the judge prompt used. */
  prompt: string;
  messages: Message[];
}

/** The judge prompt of a mode, turn and category: reference-guided for math, reasoning and coding. */
export function promptName(mode: "single" | "pair", turn: 1 | 2, category: string): string {
  const base = REFERENCE_CATEGORIES.includes(category) ? `${mode}-math-v1` : mode === "single" ? "single-v1" : "pair-v2";
  return turn === 2 ? `${base}-multi-turn` : base;
}

export interface JudgeRequestInput {
  prompts: readonly JudgePrompt[];
  question: Question;
  turn: 1 | 2;
  /** One answer for single grading, two (A then B) for a pair. */
  answers: readonly ModelAnswer[];
  /** The judge's own answer; needed in math, reasoning and coding. */
  reference?: ModelAnswer | undefined;
}

/**
 * The messages that ask a judge about one answer, or about two, byte for byte as FastChat builds them from the same files.
 * Throws, naming the question, when a prompt, an answer's turn or a needed reference is missing.
 */
export function judgeRequest({ prompts, question, turn, answers, reference }: JudgeRequestInput): JudgeRequest {
  const mode = answers.length === 1 ? "single" : "pair";
  const name = promptName(mode, turn, question.category);
  const prompt = prompts.find((candidate) => candidate.name === name);
  if (!prompt)
    throw new RangeError(
      `judgeRequest: no judge prompt "${name}" among ${prompts.map((one) => one.name).join(", ")}; give MT-Bench's judge_prompts.jsonl`,
    );
  const values = turn === 1 ? firstTurn(question, answers) : bothTurns(question, answers);
  if (REFERENCE_CATEGORIES.includes(question.category)) {
    if (!reference)
      throw new RangeError(
        `judgeRequest: question ${question.question_id} (${question.category}) has no reference answer; give the judge's reference_answer file`,
      );
    values["ref_answer_1"] = turnOf(reference, 0);
    if (turn === 2) values["ref_answer_2"] = turnOf(reference, 1);
  }
  const user = formatTemplate(prompt.prompt_template, values, name);
  return {
    prompt: name,
    messages: [
      { role: "system", content: prompt.system_prompt },
      { role: "user", content: user },
    ],
  };
}

function firstTurn(question: Question, answers: readonly ModelAnswer[]): Record<string, string> {
  const [a, b] = answers.map((answer) => turnOf(answer, 0));
  const text = question.turns[0] ?? "";
  return b === undefined ? { question: text, answer: a! } : { question: text, answer_a: a!, answer_b: b };
}

function bothTurns(question: Question, answers: readonly ModelAnswer[]): Record<string, string> {
  const values: Record<string, string> = { question_1: question.turns[0] ?? "", question_2: question.turns[1] ?? "" };
  answers.forEach((answer, i) => {
    const letter = answers.length === 1 ? "" : i === 0 ? "a_" : "b_";
    values[`answer_${letter}1`] = turnOf(answer, 0);
    values[`answer_${letter}2`] = turnOf(answer, 1);
  });
  return values;
}

function turnOf(answer: ModelAnswer, turn: number): string {
  const text = answer.choices[0]?.turns[turn];
  if (text === undefined)
    throw new RangeError(
      `judgeRequest: the answer of "${answer.model_id}" to question ${answer.question_id} has no turn ${turn + 1}; generate it first`,
    );
  return text;
}

/** Python's str.format for named fields, in one pass: braces inside the values stay, doubled braces become single. */
function formatTemplate(template: string, values: Readonly<Record<string, string>>, name: string): string {
  return template.replace(/\{\{|\}\}|\{(\w*)\}/g, (whole, field: string | undefined) => {
    if (field === undefined) return whole[0]!;
    if (!Object.hasOwn(values, field))
      throw new RangeError(
        `judgeRequest: prompt "${name}" has a field {${field}} that this turn does not fill; check judge_prompts.jsonl`,
      );
    return values[field]!;
  });
}
