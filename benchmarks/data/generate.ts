import { type DialogueRow, type Random, type RatedRow, randomFor, type UntypedRow } from "@zephyr/data";

const LETTERS = "etaoinshrdlucmfwypvbgk";

/** 5,000 invented words of 2 to 9 letters. */
function vocabulary(): string[] {
  const random = randomFor(0, "dictionary");
  const word = () => Array.from({ length: 2 + random.integer(8) }, () => LETTERS[random.integer(22)]).join("");
  return Array.from({ length: 5000 }, word);
}

const dictionary = vocabulary();

export function words(random: Random, count: number): string[] {
  return Array.from({ length: count }, () => dictionary[random.integer(dictionary.length)]!);
}

/** Words with a full stop and a line break here and there. */
export function text(random: Random, count: number): string {
  return words(random, count)
    .map((word, i) => (i % 13 === 12 ? `${word}.\n` : word))
    .join(" ");
}

/** A row of UltraFeedback's shape and size: 4 answers, 4 aspects with rationales, a critique each; about 15 kB. */
export function ratedRow(index: number): RatedRow {
  const random = randomFor(0, index);
  const annotation = () => ({ rating: 1 + random.integer(5), rationale: text(random, 40) });
  const completion = () => ({
    model: `model-${random.integer(17)}`,
    principle: "helpfulness",
    system_prompt: text(random, 20),
    content: text(random, 60 + random.integer(300)),
    overall_score: 1 + random.integer(10),
    annotations: {
      instruction_following: annotation(),
      honesty: random.integer(6) === 0 ? { rating: "N/A" as const, rationale: text(random, 20) } : annotation(),
      truthfulness: { ...annotation(), type: ["1"] },
      helpfulness: { ...annotation(), type: ["2"] },
    },
    critique: text(random, 90),
  });
  return {
    prompt_id: `prompt-${index}`,
    prompt: text(random, 50),
    source: "flan",
    completions: [completion(), completion(), completion(), completion()],
  };
}

export async function* ratedRows(count: number): AsyncGenerator<RatedRow> {
  for (let i = 0; i < count; i += 1) yield ratedRow(i);
}

/** A row of the shape and size of ultrafeedback_binarized: two whole dialogues of about 250 words. */
export function pairRow(index: number): UntypedRow {
  const random = randomFor(1, index);
  const prompt = text(random, 60);
  const dialogue = () => [
    { content: prompt, role: "user" },
    { content: text(random, 60 + random.integer(380)), role: "assistant" },
  ];
  const [chosen, rejected] = [dialogue(), dialogue()];
  const scores = { score_chosen: random.integer(19) / 2 + 1, score_rejected: random.integer(19) / 2 + 1 };
  return { prompt, prompt_id: `prompt-${index}`, chosen, rejected, messages: chosen, ...scores };
}

/** Words of a dialogue as long as UltraChat's: about 1,000, seldom below 200 or above 3,000 (log-normal). */
export function dialogueLength(random: Random): number {
  return Math.round(Math.min(4000, Math.max(60, Math.exp(6.8 + 0.5 * random.normal()))));
}

/** A dialogue of so many words, about 160 a turn. */
export function dialogueOf(all: readonly string[], id: string): DialogueRow & { prompt_id: string } {
  const turns = Math.max(2, 2 * Math.round(all.length / 320));
  const size = Math.ceil(all.length / turns);
  const messages = Array.from({ length: turns }, (_, turn) => ({
    role: turn % 2 === 0 ? "user" : "assistant",
    content: all.slice(turn * size, (turn + 1) * size).join(" "),
  }));
  return { prompt_id: id, messages: messages.filter(({ content }) => content !== "") };
}
