import type { Random } from "@zephyr/data";

/** Which principle an answer follows, by the prompt's source, and the system prompts of each principle. */
export interface Principles {
  /** Weights of the principles per source; "*" is for every other source. */
  sources: Record<string, Record<string, number>>;
  system_prompts: Record<string, string[]>;
}

/** Our own wordings; the principles and their shares are UltraFeedback's. */
const SYSTEM_PROMPTS: Record<string, string[]> = {
  helpfulness: [
    "Give the user an answer that can be used as it stands: complete, correct and to the point.",
    "Work out what the user is trying to achieve, and answer so that the goal is reached.",
    "Be a knowledgeable colleague: cover what matters, explain where it helps, and leave out padding.",
    "Answer every part of the request in a clear order, with an example where one makes it easier.",
    "Put the most useful thing first, then what the user needs in order to act on it.",
  ],
  truthfulness: [
    "State only what is true. Correct a mistaken premise before you answer.",
    "Keep apart what is established, what is likely and what is a guess, and invent nothing.",
    "Stay with facts that hold up; where the question assumes something false, say so.",
    "Prefer a shorter answer that is right to a longer one with claims you cannot back.",
    "Do not repeat popular errors. Check each claim against what is known before you make it.",
  ],
  honesty: [
    "Say plainly what you know and what you do not know.",
    "If you are not certain, tell the user, and say where the uncertainty lies.",
    "Be frank about the limits of your knowledge, and do not sound surer than you are.",
    "Answer candidly. An open admission of doubt is better than a confident mistake.",
    "Let your wording show how sure you are of each statement.",
  ],
  verbalized_calibration: [
    "Answer, and state for your main claims how confident you are as a percentage. The figure should be the share of such claims that would turn out to be right.",
  ],
};

const SHARED_MIX = { helpfulness: 60, truthfulness: 20, honesty: 18, verbalized_calibration: 2 };
const HALF_HONEST = { honesty: 45, truthfulness: 50, verbalized_calibration: 5 };

/** UltraFeedback's shares as its README gives them. */
const README: Principles = {
  sources: {
    evol_instruct: { helpfulness: 100 },
    sharegpt: SHARED_MIX,
    ultrachat: SHARED_MIX,
    flan: { helpfulness: 60, truthfulness: 20, verbalized_calibration: 20 },
    truthful_qa: { truthfulness: 100 },
    false_qa: { truthfulness: 100 },
    "*": SHARED_MIX,
  },
  system_prompts: SYSTEM_PROMPTS,
};

/** UltraFeedback's shares as its published code draws them. */
const CODE: Principles = {
  sources: {
    ...README.sources,
    flan: { helpfulness: 80, verbalized_calibration: 20 },
    truthful_qa: HALF_HONEST,
    false_qa: HALF_HONEST,
  },
  system_prompts: SYSTEM_PROMPTS,
};

/** UltraFeedback's mixture of principles by source: as its README states it, and as its code draws it. */
export const PRINCIPLE_PRESETS: Record<"readme" | "code", Principles> = { readme: README, code: CODE };

/** Draws a principle for one answer, and one of its system prompts; throws a RangeError when the source has no entry. */
export function drawPrinciple(
  principles: Principles,
  source: string | undefined,
  random: Random,
): { principle: string; systemPrompt: string } {
  const key = sourceKey(source);
  const weights = principles.sources[key] ?? principles.sources["*"];
  if (weights === undefined)
    throw new RangeError(`principles: no entry for source ${JSON.stringify(source)} and none for "*"; add one`);
  const principle = drawWeighted(weights, random);
  const prompts = principles.system_prompts[principle]!;
  return { principle, systemPrompt: prompts[random.integer(prompts.length)]! };
}

/** Sources are written "flan_v2_cot", "flan_v2_p3" ... in the published rows, and "flan" in the table. */
function sourceKey(source: string | undefined): string {
  return source === undefined ? "*" : source.startsWith("flan") ? "flan" : source;
}

function drawWeighted(weights: Record<string, number>, random: Random): string {
  const entries = Object.entries(weights);
  let left = random.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [name, weight] of entries) {
    left -= weight;
    if (left < 0) return name;
  }
  return entries.at(-1)![0];
}

/** Checks a table that came from a file; throws a TypeError that names the entry. */
export function checkPrinciples(value: unknown, where: string): Principles {
  const table = value as Partial<Principles> | null;
  if (
    typeof table !== "object" ||
    table === null ||
    typeof table.sources !== "object" ||
    typeof table.system_prompts !== "object"
  ) {
    throw new TypeError(`${where}: principles need "sources" (weights per source) and "system_prompts" (texts per principle)`);
  }
  for (const [source, weights] of Object.entries(table.sources ?? {})) {
    const entries = Object.entries(weights ?? {});
    if (entries.length === 0) throw new TypeError(`${where}: source ${JSON.stringify(source)} has no principle`);
    for (const [principle, weight] of entries) {
      if (typeof weight !== "number" || !(weight > 0))
        throw new TypeError(
          `${where}: weight of ${principle} for source ${JSON.stringify(source)} is ${JSON.stringify(weight)}; must be above 0`,
        );
      const prompts = table.system_prompts?.[principle];
      if (!Array.isArray(prompts) || prompts.length === 0 || !prompts.every((prompt) => typeof prompt === "string")) {
        throw new TypeError(
          `${where}: principle ${JSON.stringify(principle)} of source ${JSON.stringify(source)} has no system prompts`,
        );
      }
    }
  }
  return table as Principles;
}
