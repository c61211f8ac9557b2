import { type DialogueRow, type Generate, type Message, type PromptRow, randomFor, type Transform } from "@zephyr/data";
import type { Asker } from "../ask.ts";
import { type Journal, temporaryJournal } from "../journal/journal.ts";
import { sha256 } from "../journal/request-key.ts";
import type { Model } from "../model.ts";
import { asModels } from "../named-model.ts";
import { settleAll } from "../row-failure.ts";
import { drawKey } from "../sampling/sample.ts";
import { openAsker, type Progress, type StageOptions, stage } from "../stage.ts";
import { END_MARKER, nextUserTurn, openingsPrompt, parseOpenings } from "./dialogue-prompts.ts";
import { nearDuplicates } from "./near-duplicates.ts";
import { DEFAULT_PERSONAS, type TopicRow } from "./topics.ts";

export interface GenerateDialoguesOptions extends StageOptions {
  /** Plays the user and invents the first messages. */
  user: Model | Generate;
  /** Answers. */
  assistant: Model | Generate;
  /** First messages asked for per topic; those that repeat others are dropped. Default 10. */
  dialoguesPerTopic?: number | undefined;
  /** Rounds (a user's turn and its answer), least and most; each dialogue draws its own. Default [2, 4]. */
  rounds?: [number, number] | undefined;
  personas?: readonly string[] | undefined;
}

/** A generated dialogue, spelt as in `HuggingFaceH4/ultrachat_200k`, with where it came from. */
export interface GeneratedDialogue extends DialogueRow {
  prompt_id: string;
  prompt: string;
  topic: string;
  persona: string;
}

/** A first message that is to become a dialogue. */
interface Opening extends PromptRow {
  prompt_id: string;
  prompt: string;
  topic: string;
  material: string | undefined;
}

/**
 * Lets two models talk, one as the user and one as the assistant, over topics and materials (UltraChat's way, Ding et al. 2023):
 * each topic is expanded to first messages, near duplicates are dropped, and each message grows into a dialogue. The output
 * depends on the seed and the answers, not on concurrency.
 *
 * @example generateDialogues({ user: gpt, assistant: gpt, seed: 0 })(rowsOf(DEFAULT_TOPICS))
 */
export function generateDialogues(options: GenerateDialoguesOptions): Transform<TopicRow, GeneratedDialogue> {
  const { dialoguesPerTopic = 10, rounds = [2, 4], personas = DEFAULT_PERSONAS, seed = 0 } = options;
  const models = asModels(
    "generateDialogues",
    options.user === options.assistant ? [options.user] : [options.user, options.assistant],
  );
  const [user, assistant] = [models[0]!, models.at(-1)!];
  checkRounds(rounds);
  return (topics) => {
    let shared: Promise<Journal> | undefined;
    return {
      async *[Symbol.asyncIterator]() {
        if (options.journal === undefined) shared ??= temporaryJournal();
        const common = await openAsker(models, { ...options, journal: options.journal ?? (await shared!) });
        const { onExpansion, onProgress } = addingUp(options.onProgress);
        try {
          const expanded = stage(
            "generateDialogues",
            asPrompts(topics),
            [user],
            { ...options, shared: common, onProgress: onExpansion },
            (row, _place, asker) => expandTopic(row, dialoguesPerTopic, user, asker),
          );
          yield* stage(
            "generateDialogues",
            distinctOpenings(expanded),
            models,
            { ...options, shared: common, onProgress },
            async (opening, _place, asker) => {
              const random = randomFor(seed, drawKey("dialogue", opening.prompt_id));
              const persona = personas[random.integer(personas.length)]!;
              const count = rounds[0] + random.integer(rounds[1] - rounds[0] + 1);
              const { values, failures } = await settleAll([talk(opening, persona, count, user, assistant, asker)]);
              if (failures.length > 0) return { failures };
              const { prompt_id, prompt, topic } = opening;
              return { row: { prompt, prompt_id, messages: values[0]!, topic, persona } };
            },
          );
        } finally {
          common.leave();
          await common.asker.close();
        }
      },
    };
  };
}

/** The dialogues' progress, in which the topics that failed are counted, too. */
function addingUp(report: StageOptions["onProgress"]): Required<Pick<StageOptions, "onProgress">> & {
  onExpansion: (progress: Progress) => void;
} {
  let topicsFailed = 0;
  return {
    onExpansion({ rowsFailed }) {
      topicsFailed = rowsFailed;
    },
    onProgress: report && ((progress) => report({ ...progress, rowsFailed: progress.rowsFailed + topicsFailed })),
  };
}

type TopicPrompt = PromptRow & { topic: TopicRow };

async function* asPrompts(topics: AsyncIterable<TopicRow>): AsyncGenerator<TopicPrompt> {
  for await (const topic of topics) {
    if (typeof topic.topic !== "string" || topic.topic === "")
      throw new TypeError(`generateDialogues: a row has topic ${JSON.stringify(topic.topic)}; it must be a text`);
    yield { prompt_id: topic.prompt_id ?? sha256(JSON.stringify(topic)), prompt: topic.topic, topic };
  }
}

async function expandTopic(
  { topic }: TopicPrompt,
  count: number,
  user: Model,
  asker: Asker,
): Promise<{ row: Opening[] } | { failures: Awaited<ReturnType<typeof settleAll>>["failures"] }> {
  const { values, failures } = await settleAll([
    asker.ask({ model: user, messages: openingsPrompt(topic, count, []), sample: 0 }),
  ]);
  if (failures.length > 0) return { failures };
  const texts = parseOpenings(values[0]!.content).slice(0, count);
  if (texts.length === 0)
    return {
      failures: [
        {
          kind: "unparsable",
          reason: `${user.name}: the reply lists no first messages on ${JSON.stringify(topic.topic)}`,
          raw: values[0]!.content,
        },
      ],
    };
  return { row: texts.map((text) => opening(text, topic)) };
}

function opening(text: string, { topic, material }: TopicRow): Opening {
  const prompt = material === undefined ? text : `${text}\n\n${material}`;
  return { prompt_id: sha256(prompt), prompt, topic, material };
}

/** In the topics' order, so that which of two similar messages stays does not depend on which came first over the wire. */
async function* distinctOpenings(expanded: AsyncIterable<Opening[]>): AsyncGenerator<Opening> {
  const isKnown = nearDuplicates();
  for await (const openings of expanded) for (const one of openings) if (!isKnown(one.prompt)) yield one;
}

async function talk(
  { prompt }: Opening,
  persona: string,
  rounds: number,
  user: Model,
  assistant: Model,
  asker: Asker,
): Promise<Message[]> {
  const messages: Message[] = [{ role: "user", content: prompt }];
  for (let round = 1; ; round++) {
    const reply = await asker.ask({ model: assistant, messages: [...messages], sample: 0 });
    messages.push({ role: "assistant", content: reply.content });
    // A cut answer cannot be followed up in a sensible way.
    if (round === rounds || reply.finish_reason === "length") return messages;
    const next = await asker.ask({ model: user, messages: nextUserTurn(messages, persona, rounds - round), sample: 0 });
    if (next.content.includes(END_MARKER)) return messages;
    messages.push({ role: "user", content: next.content.trim() });
  }
}

function checkRounds([least, most]: [number, number]): void {
  if (!Number.isInteger(least) || !Number.isInteger(most) || least < 1 || most < least) {
    throw new RangeError(
      `generateDialogues: rounds is [${least}, ${most}]; must be two whole numbers from 1 up, the smaller first`,
    );
  }
}
