import { groupBy } from "../group-by.ts";
import type { AuditedPair } from "./audit-judge.ts";

/** An answer that a system gives to many prompts. */
export interface ConstantAnswer {
  system: string;
  /** Share of the system's answers that are this one, or start like it. */
  share: number;
  n: number;
  kind: "same answer" | "same beginning";
  /** The first 200 characters of it. */
  content: string;
}

const FEWEST_ANSWERS = 5;
const SAME_ANSWER_SHARE = 0.2;
const SAME_BEGINNING_SHARE = 0.8;
const BEGINNING = 80;

/**
 * Systems that give one answer to a fifth of different prompts, or begin four fifths of their answers alike: a constant
 * answer can win most pairs of a weak judge (Zheng et al. 2024, "Cheating automatic LLM benchmarks").
 */
export function findConstantAnswers(pairs: readonly AuditedPair[]): ConstantAnswer[] {
  const answers = pairs.flatMap(({ id, a_name, b_name, a, b }) => [
    ...(a === undefined ? [] : [{ id, system: a_name, text: plain(a) }]),
    ...(b === undefined ? [] : [{ id, system: b_name, text: plain(b) }]),
  ]);
  const perPrompt = [
    ...new Map(answers.map((answer) => [JSON.stringify([answer.system, answer.id, answer.text]), answer])).values(),
  ];
  return [...groupBy(perPrompt, (answer) => answer.system)].flatMap(([system, own]) => {
    const texts = own.map((answer) => answer.text);
    if (texts.length < FEWEST_ANSWERS) return [];
    const flag = (kind: ConstantAnswer["kind"], { text, count }: { text: string; count: number }) => [
      { system, share: count / texts.length, n: count, kind, content: text.slice(0, 200) },
    ];
    const same = mostFrequent(texts);
    if (same.count > 1 && same.count / texts.length >= SAME_ANSWER_SHARE) return flag("same answer", same);
    const beginning = mostFrequent(texts.filter((text) => text.length > BEGINNING).map((text) => text.slice(0, BEGINNING)));
    return beginning.count > 1 && beginning.count / texts.length >= SAME_BEGINNING_SHARE ? flag("same beginning", beginning) : [];
  });
}

const plain = (text: string) => text.replace(/\s+/g, " ").trim();

function mostFrequent(texts: readonly string[]): { text: string; count: number } {
  let best = { text: "", count: 0 };
  for (const [text, group] of groupBy(texts, (one) => one)) if (group.length > best.count) best = { text, count: group.length };
  return best;
}
