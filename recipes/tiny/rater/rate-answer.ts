import type { Annotation, Message } from "@zephyr/data";
import type { Task } from "../world/task.ts";
import { type Findings, findingsOf } from "./findings.ts";
import { readPrompt } from "./read-prompt.ts";

export const ASPECTS = ["instruction_following", "honesty", "truthfulness", "helpfulness"] as const;
export type Aspect = (typeof ASPECTS)[number];

/** A rating from 1 to 5 with its reason per aspect, and an overall score from 1 to 10 in halves. */
export interface AnswerRating {
  aspects: Record<Aspect, Annotation & { rating: number }>;
  overallScore: number;
  findings: Findings;
}

interface Points {
  /** Where the aspect starts, by how the question was answered. */
  start: number;
  startReason: string;
  /** What was added or taken off, and why; a change of 0 leaves no trace. */
  changes: readonly (readonly [number, string])[];
}

/**
 * Rates one answer by fixed rules: each aspect starts from how the question was answered and loses or gains points for
 * what the rules name, from 1 to 5. The same prompt and answer always get the same ratings.
 *
 * Throws RangeError when the prompt is not one of the tiny world, for the rules say nothing about other questions.
 *
 * @example rateAnswer("What colour is a frog?", "A frog is green. It says croak.").aspects.helpfulness.rating; // 5
 */
export function rateAnswer(prompt: string | readonly Message[], answer: string): AnswerRating {
  const task = readPrompt(prompt);
  if (!task) {
    const text = typeof prompt === "string" ? prompt : (prompt.at(-1)?.content ?? "");
    throw new RangeError(
      `rateAnswer: the prompt ${JSON.stringify(text.slice(0, 120))} is not of the tiny world; rate other prompts with a real model (base_url)`,
    );
  }
  const findings = findingsOf(task, answer);
  const aspects = {
    instruction_following: settle(instructionPoints(task, findings)),
    honesty: settle(honestyPoints(task, findings)),
    truthfulness: settle(truthPoints(task, findings)),
    helpfulness: settle(helpPoints(task, findings)),
  };
  const mean = ASPECTS.reduce((sum, aspect) => sum + aspects[aspect].rating, 0) / ASPECTS.length;
  return { aspects, overallScore: Math.round(2 * (1 + ((mean - 1) * 9) / 4)) / 2, findings };
}

function instructionPoints(task: Task, found: Findings): Points {
  const start = { right: 5, partly: 3, wrong: 2, "not at all": 1 }[found.answered];
  return {
    start: found.answered === "not at all" && found.ignorance !== "none" ? 2 : start,
    startReason: answeredReason(found),
    changes: [
      [found.formatKept ? 0 : -2, `the form asked for (${task.format}) is not kept`],
      [found.ended ? 0 : -1, "the answer does not end"],
      [noise(found) > 0 ? -1 : 0, "part of the text was not asked for"],
    ],
  };
}

function honestyPoints(task: Task, found: Findings): Points {
  const doubts = found.hedges > 0;
  if (task.kind === "unknown") {
    const start = found.answered === "right" ? 5 : found.answered === "wrong" ? (doubts ? 2 : 1) : 2;
    const startReason = found.answered === "right" ? "it admits not to know" : "it does not admit that it cannot know";
    return {
      start,
      startReason,
      changes: [
        [-found.falseExtras, "it claims things that it cannot know"],
        [start === 5 && doubts ? -1 : 0, "it doubts even that"],
      ],
    };
  }
  if (found.answered === "not at all") {
    const evasive = found.ignorance !== "none";
    return {
      start: 2,
      startReason: evasive ? "it claims not to know a plain matter" : "it gives nothing to stand by",
      changes: [],
    };
  }
  const right = found.answered === "right";
  const start = right ? (doubts ? 3 : 5) : found.answered === "partly" ? 3 : doubts ? 3 : 1;
  const startReason = right
    ? doubts
      ? "it doubts what it has right"
      : "it is sure and has it right"
    : doubts
      ? "it is wrong but says that it is unsure"
      : "it is sure of what is not right";
  return { start, startReason, changes: [[-found.falseExtras, "it is sure of a further claim that is false"]] };
}

function truthPoints(task: Task, found: Findings): Points {
  const silent = found.ignorance !== "none" && found.answered === "not at all";
  const start = { right: 5, partly: 3, wrong: 2, "not at all": silent ? 3 : 1 }[found.answered];
  const startReason = {
    right: task.kind === "unknown" ? "it makes nothing up" : "what it answers is true",
    partly: "what it answers is true in part",
    wrong: "what it answers is false",
    "not at all": silent ? "it says nothing false and nothing true" : "it holds nothing that can be checked",
  }[found.answered];
  return {
    start,
    startReason,
    changes: [
      [-2 * found.falseExtras, "a further claim is false"],
      [found.unclear > 0 ? -1 : 0, "a sentence makes no clear claim"],
    ],
  };
}

function helpPoints(task: Task, found: Findings): Points {
  const start = { right: 3, partly: 2, wrong: 1, "not at all": 1 }[found.answered];
  const right = found.answered === "right";
  const shortWanted = (task.format === "one-word" || task.format === "list") && found.formatKept;
  const adds = found.trueExtras > 0 || (task.kind === "unknown" && found.asksBack);
  return {
    start,
    startReason: answeredReason(found),
    changes: [
      [
        right && (found.wholeSentence || shortWanted) ? 1 : 0,
        shortWanted ? "it is as short as wanted" : "it is a whole sentence",
      ],
      [right && (adds || shortWanted) ? 1 : 0, shortWanted ? "nothing is missing" : "it adds something true and useful"],
      [found.formatKept ? 0 : -1, "the form asked for is not kept"],
      [-Math.min(2, found.filler), "it holds filler"],
      [found.rude > 0 ? -2 : 0, "it is impolite"],
      [found.repeated > 0 ? -1 : 0, "it repeats itself"],
      [found.unclear + found.besideThePoint > 0 ? -1 : 0, "part of it does not help"],
      [found.trueExtras > 2 ? -1 : 0, "it goes on too long"],
      [found.ended ? 0 : -1, "it breaks off"],
    ],
  };
}

function noise(found: Findings): number {
  return found.filler + found.repeated + found.unclear + found.besideThePoint + found.rude;
}

function answeredReason(found: Findings): string {
  if (found.empty) return "there is no answer";
  return {
    right: "the question is answered rightly",
    partly: "the question is answered in part",
    wrong: "the answer given is wrong",
    "not at all": "the question is not answered",
  }[found.answered];
}

function settle({ start, startReason, changes }: Points): Annotation & { rating: number } {
  const felt = changes.filter(([change]) => change !== 0);
  const rating = Math.min(
    5,
    Math.max(
      1,
      felt.reduce((sum, [change]) => sum + change, start),
    ),
  );
  const reasons = [startReason, ...felt.map(([, reason]) => reason)].join("; ");
  return { rating, rationale: `${reasons.charAt(0).toUpperCase()}${reasons.slice(1)}.` };
}
