import { codePoints } from "../alpaca-eval/rows.ts";
import type { ScoreResult, TextRequest } from "./score.ts";

/** One document of a task, ready to be asked. */
export interface Item {
  /** What the model is asked to score; contexts without the shots. */
  requests: TextRequest[];
  /** The choices as text, without leading space: what acc_norm divides by. */
  choices: string[];
  /** Index of the right choice. */
  gold: number;
  /** The document as a worked example. */
  asShot: string;
}

/** Numbers by name: `acc`, `acc_norm`, `acc_stderr`, ... */
export type Metrics = Record<string, number>;

/** A multiple-choice task: how a row of its data set becomes requests, and their log-likelihoods become metrics. */
export interface Task {
  name: string;
  /** Shots of the published protocol. */
  numFewshot: number;
  /** "first": the first k of the shot split; "random": drawn per document. */
  shots: "first" | "random";
  /** Metric that leaderboards quote. */
  mainMetric: string;
  /** Text before the shots. */
  description?: string;
  /** Throws a TypeError naming the missing column when the row is of another data set. */
  item(row: Readonly<Record<string, unknown>>): Item;
  score(item: Item, results: readonly ScoreResult[]): Metrics;
}

/** An item whose every choice continues one context after a space. */
export function choicesItem(context: string, choices: readonly string[], gold: number, shown: readonly string[] = choices): Item {
  if (!(Number.isInteger(gold) && gold >= 0 && gold < choices.length))
    throw new RangeError(`choicesItem: gold is ${gold} for ${choices.length} choices in "${context.slice(-60)}"`);
  const separator = /\s$/.test(context) ? "" : " ";
  return {
    requests: choices.map((choice) => ({ context, continuation: separator + choice })),
    choices: [...shown],
    gold,
    asShot: context + separator + choices[gold]!,
  };
}

/**
 * Whether the right choice has the highest log-likelihood (acc), the highest per code point (acc_norm, as published
 * numbers have it) and per UTF-8 byte (acc_bytes). The first of equals counts.
 */
export function choiceAccuracy({ choices, gold }: Item, results: readonly ScoreResult[]): Metrics {
  const sums = results.map((result) => result.logLikelihood);
  const per = (length: (choice: string) => number) => sums.map((sum, i) => sum / length(choices[i]!));
  const right = (values: readonly number[]) => (values.indexOf(Math.max(...values)) === gold ? 1 : 0);
  return { acc: right(sums), acc_norm: right(per(codePoints)), acc_bytes: right(per((choice) => Buffer.byteLength(choice))) };
}

/** A text column of a row; throws a TypeError naming task and column otherwise. */
export function textColumn(task: string, row: Readonly<Record<string, unknown>>, key: string): string {
  const value = row[key];
  if (typeof value !== "string")
    throw new TypeError(
      `${task}: a row has ${value === undefined ? "no column" : "no text in"} "${key}" (columns: ${Object.keys(row).join(", ")}); is it the right data set?`,
    );
  return value;
}

/** A column of texts; throws a TypeError naming task and column otherwise. */
export function textsColumn(task: string, row: Readonly<Record<string, unknown>>, key: string): string[] {
  const value = row[key];
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === "string"))
    throw new TypeError(
      `${task}: a row has no list of texts in "${key}" (columns: ${Object.keys(row).join(", ")}); is it the right data set?`,
    );
  return value;
}
