import { writeFileSync } from "node:fs";
import { readRows, rowsOf } from "@zephyr/data";
import { ConfigError } from "../config/check-fields.ts";
import type { FeedbackConfig } from "../config/feedback-config.ts";
import { checkBudget, modelFromConfig } from "../config/model-from-config.ts";
import { nextUserTurn, openingsPrompt } from "../dialogues/dialogue-prompts.ts";
import { type GeneratedDialogue, generateDialogues } from "../dialogues/generate-dialogues.ts";
import { DEFAULT_TOPICS, type TopicRow } from "../dialogues/topics.ts";
import { sha256 } from "../journal/request-key.ts";
import type { Model } from "../model.ts";
import { withWorkers } from "../redis/coordinator.ts";
import { dialogueStatistics } from "./dialogue-statistics.ts";
import { outputFiles } from "./output-files.ts";
import { dialoguesCard } from "./run-card.ts";
import { anyKey } from "./run-complete.ts";
import { type RunOptions, type RunResult, runStage } from "./run-stage.ts";
import type { PlannedRequest } from "./survey.ts";

export interface RunGenerateDialoguesOptions extends RunOptions {
  /** A file of topic rows; left out: the topics that ship. */
  input?: string | AsyncIterable<TopicRow> | undefined;
  config: FeedbackConfig;
  env?: Record<string, string | undefined>;
}

type TopicPrompt = TopicRow & { prompt: string; prompt_id: string };

/**
 * `zephyr generate-dialogues`: dialogues between a model that plays the user and one that answers, and `OUTPUT.card.md` on how they came to
 * be. The config's `user` and
 * `assistant` describe them; `assistant` defaults to the first of `models`, `user` to the assistant.
 *
 * @throws ConfigError for a config without models.
 */
export async function runGenerateDialogues({
  input,
  config,
  env = process.env,
  ...run
}: RunGenerateDialoguesOptions): Promise<RunResult> {
  const { seed, budgetUsd, journal, dialogues } = config;
  const assistantConfig = dialogues.assistant ?? config.models[0];
  if (assistantConfig === undefined)
    throw new ConfigError("config: assistant is missing; generate-dialogues needs a model that answers");
  const userConfig = dialogues.user ?? assistantConfig;
  checkBudget([assistantConfig, userConfig], budgetUsd);
  const isSender = run.dryRun !== true && run.redis === undefined;
  const keys = isSender ? env : anyKey(env);
  const [ours, theirs] = [userConfig, assistantConfig].map((model) => modelFromConfig(model, keys)) as [Model, Model];
  const { dialoguesPerTopic, rounds, personas } = dialogues;
  const topics = input === undefined ? rowsOf(DEFAULT_TOPICS) : typeof input === "string" ? readRows<TopicRow>(input) : input;
  const result = await withWorkers(run.dryRun === true ? undefined : run.redis, (place) => {
    const assistant = place(theirs);
    const user = userConfig === assistantConfig ? assistant : place(ours);
    return runStage<TopicPrompt, GeneratedDialogue>({
      ...run,
      where: "generate-dialogues",
      rows: withPrompts(topics),
      models: user === assistant ? [assistant] : [user, assistant],
      journal,
      budgetUsd,
      seed,
      rowsPerRow: dialoguesPerTopic,
      plan: (row) => planTopic(row, user, assistant, dialoguesPerTopic, rounds),
      transform: (options) => generateDialogues({ ...options, user, assistant, dialoguesPerTopic, rounds, personas }),
    });
  });
  if (result.status === "done" || result.status === "partial") {
    const statistics = await dialogueStatistics(readRows<GeneratedDialogue>(run.output));
    writeFileSync(outputFiles(run.output, journal).card, dialoguesCard(config, result, statistics));
  }
  return result;
}

function withPrompts(topics: AsyncIterable<TopicRow>): AsyncIterable<TopicPrompt> {
  return {
    async *[Symbol.asyncIterator]() {
      for await (const row of topics)
        yield { ...row, prompt: row.topic, prompt_id: row.prompt_id ?? sha256(JSON.stringify(row)) };
    },
  };
}

/** Replies of a usual length, to estimate how a dialogue's prompts grow. */
const USUAL_TURN = "x".repeat(800);

function planTopic(
  row: TopicPrompt,
  user: Model,
  assistant: Model,
  count: number,
  [least, most]: [number, number],
): PlannedRequest[] {
  const requests: PlannedRequest[] = [{ model: user, messages: openingsPrompt(row, count, []) }];
  const rounds = Math.round((least + most) / 2);
  for (let dialogue = 0; dialogue < count; dialogue++) {
    const messages = [{ role: "user", content: USUAL_TURN }];
    for (let round = 1; round <= rounds; round++) {
      requests.push({ model: assistant, messages: [...messages] });
      messages.push({ role: "assistant", content: USUAL_TURN });
      if (round < rounds) requests.push({ model: user, messages: nextUserTurn(messages, "", rounds - round) });
      messages.push({ role: "user", content: USUAL_TURN });
    }
  }
  return requests;
}
