import type { Completion, Generate, GenerateOptions, Message } from "@zephyr/data";
import { type AskOptions, askAll } from "../judging/ask-all.ts";
import { isSwitched, parseRanking, parseTokenLogprobs, topLogprobsOf, unswitch } from "./annotator-replies.ts";
import type { Annotation, ModelOutput } from "./rows.ts";

/** A completion that also carries the choice's log-probabilities, as the OpenAI API gives them. */
export type CompletionWithLogprobs = Completion & { logprobs?: unknown };

/** Sampling options that also ask for the first token's alternatives. */
export type LogprobOptions = GenerateOptions & { topLogprobs?: number };

export interface AnnotateOptions extends AskOptions {
  modelOutputs: readonly ModelOutput[];
  referenceOutputs: readonly ModelOutput[];
  judge: Generate;
  /** "ranking" (version 1: a list of ranks) or "logprobs" (version 2: P of the first token). */
  kind: "ranking" | "logprobs";
  /** The judge's messages with {instruction}, {output_1} and {output_2}; see `parseChatTemplate`. Ours unless told. */
  template?: readonly Message[];
  seed?: number;
}

const SYSTEM =
  "You rank two answers by how well they would satisfy the person who gave the instruction. Ignore their order and do not reward length.";
const TASK =
  "The instruction:\n<<<\n{instruction}\n>>>\n\nAnswer of FIRST:\n<<<\n{output_1}\n>>>\n\nAnswer of SECOND:\n<<<\n{output_2}\n>>>\n\n";

const OWN_TEMPLATES: Record<AnnotateOptions["kind"], readonly Message[]> = {
  ranking: [
    { role: "system", content: SYSTEM },
    {
      role: "user",
      content:
        TASK.replace("FIRST", "model_1").replace("SECOND", "model_2") +
        "Reply with nothing but a Python list that gives the better answer rank 1 and the other rank 2, for example [{'model': 'model_2', 'rank': 1}, {'model': 'model_1', 'rank': 2}].",
    },
  ],
  logprobs: [
    { role: "system", content: SYSTEM },
    {
      role: "user",
      content:
        TASK.replace("FIRST", "m").replace("SECOND", "M") +
        "Which answer is better? Reply with the single letter m or M and nothing else.",
    },
  ],
};

const SAMPLING: Record<AnnotateOptions["kind"], LogprobOptions> = {
  ranking: { temperature: 0, maxTokens: 100 },
  logprobs: { temperature: 1, maxTokens: 1, topLogprobs: 5 },
};

/**
 * Judges a model's outputs against a baseline's, one call per instruction in AlpacaEval's seeded order, and returns rows
 * for `alpacaEval`. Identical outputs tie without a call; a reply without a verdict gives preference null with the reply
 * kept. Instructions that only one file has are left out. Throws when the files share none, or when a "logprobs" judge
 * returns no log-probabilities.
 */
export async function annotate(options: AnnotateOptions): Promise<Annotation[]> {
  const { modelOutputs, referenceOutputs, judge, kind, template = OWN_TEMPLATES[kind], seed = 0, ...asking } = options;
  const rows = pairOutputs(modelOutputs, referenceOutputs);
  const toJudge = rows.filter((row) => row.output_1 !== row.output_2);
  const calls = toJudge.map((row) => {
    const switched = isSwitched(row.instruction, seed);
    const values = {
      instruction: row.instruction,
      output_1: switched ? row.output_2 : row.output_1,
      output_2: switched ? row.output_1 : row.output_2,
    };
    return {
      messages: template.map((message) => ({ ...message, content: fillTemplate(message.content, values) })),
      options: SAMPLING[kind],
    };
  });
  const outcomes = await askAll(calls, judge, asking);
  const judged = new Map(
    toJudge.map((row, i) => {
      const outcome = outcomes[i]!;
      if (!outcome.ok) return [row.instruction, { preference: null, raw_completion: null }] as const;
      return [row.instruction, readReply(outcome.completion, kind, isSwitched(row.instruction, seed))] as const;
    }),
  );
  return rows.map((row) => ({ ...row, ...(judged.get(row.instruction) ?? { preference: 1.5, raw_completion: null }) }));
}

function readReply(
  completion: CompletionWithLogprobs,
  kind: AnnotateOptions["kind"],
  switched: boolean,
): { preference: number | null; raw_completion: unknown } {
  if (kind === "ranking")
    return { preference: unswitch(parseRanking(completion.content), switched), raw_completion: completion.content };
  const raw = { logprobs: completion.logprobs };
  const top = topLogprobsOf(raw);
  if (!top)
    throw new TypeError(
      `annotate: ${completion.model} returned no top log-probabilities; use a judge that has them, or kind: "ranking"`,
    );
  return { preference: unswitch(parseTokenLogprobs(top), switched), raw_completion: raw };
}

function pairOutputs(modelOutputs: readonly ModelOutput[], referenceOutputs: readonly ModelOutput[]) {
  const reference = new Map(referenceOutputs.map((row) => [row.instruction, row]));
  const rows = modelOutputs.flatMap((row) => {
    const base = reference.get(row.instruction);
    if (!base) return [];
    return [
      {
        instruction: row.instruction,
        output_1: base.output,
        generator_1: base.generator ?? "baseline",
        output_2: row.output,
        generator_2: row.generator ?? "model",
      },
    ];
  });
  if (rows.length === 0)
    throw new RangeError(
      `annotate: ${modelOutputs.length} model outputs and ${referenceOutputs.length} reference outputs share no instruction; check the files`,
    );
  return rows;
}

/** Replaces each {name} by its value in one pass, so that braces inside a value stay as they are. */
export function fillTemplate(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => (Object.hasOwn(values, name) ? values[name]! : whole));
}

/** Reads a template file with <|im_start|>role ... <|im_end|> blocks into messages; throws a TypeError when it has none. */
export function parseChatTemplate(text: string): Message[] {
  const messages = [...text.matchAll(/<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>/gs)].map(([, role, content]) => ({
    role: role!,
    content: content!.trim(),
  }));
  if (messages.length === 0)
    throw new TypeError(
      "parseChatTemplate: no <|im_start|>role ... <|im_end|> block in the text; give the file of a chat template",
    );
  return messages;
}
