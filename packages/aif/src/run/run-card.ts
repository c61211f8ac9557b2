import type { FeedbackConfig, ModelConfig } from "../config/feedback-config.ts";
import { requestKey } from "../journal/request-key.ts";
import { ULTRAFEEDBACK } from "../rubrics/ultrafeedback.ts";
import { PRINCIPLE_PRESETS } from "../sampling/principles.ts";
import type { CompletionStatistics } from "./completion-statistics.ts";
import type { DialogueStatistics } from "./dialogue-statistics.ts";
import { dollars } from "./progress-line.ts";
import type { RatingStatistics } from "./rating-statistics.ts";
import type { RunResult } from "./run-stage.ts";

/** A Markdown page on how a file of ratings came to be: models, prices, rubric, failures, scores, ties and position bias. */
export function ratingCard(config: FeedbackConfig, result: RunResult, statistics: RatingStatistics): string {
  const rubric = config.rubric === "ultrafeedback" ? ULTRAFEEDBACK : config.rubric;
  const attempted = result.rows + result.failed;
  const sections = [
    "# Ratings",
    [
      `- judge: ${judgeLine(config.judge)}`,
      `- rubric: ${rubric.name}, sha256 ${requestKey(rubric)}`,
      `- repeats ${config.repeats}, seed ${config.seed}`,
      `- rows: ${result.rows} rated, ${result.failed} failed (${percent(attempted === 0 ? null : result.failed / attempted)})`,
      `- cost: ${dollars(result.cost_usd)}`,
      `- rows whose best score is shared: ${percent(statistics.tie_rate)}`,
    ].join("\n"),
    "## Overall scores",
    table(
      ["score", "completions"],
      Object.entries(statistics.score_histogram)
        .sort(([a], [b]) => Number(a) - Number(b))
        .map(([score, count]) => [score, String(count)]),
    ),
    "## Aspects",
    table(
      ["aspect", "mean", "N/A", "ratings"],
      Object.entries(statistics.aspects).map(([name, { mean, not_applicable, ratings }]) => [
        name,
        number(mean),
        String(not_applicable),
        ratingsLine(ratings),
      ]),
    ),
    "## Mean rating by place shown",
    table(
      ["aspect", "from the first place to the last"],
      Object.entries(statistics.position_means).map(([name, means]) => [name, means.map(number).join(", ")]),
    ),
    "## Models rated",
    table(
      ["model", "completions", "mean score", "mean rating"],
      Object.entries(statistics.models).map(([name, own]) => [
        name,
        String(own.completions),
        number(own.mean_score),
        number(own.mean_rating),
      ]),
    ),
  ];
  return `${sections.join("\n\n")}\n`;
}

/** A Markdown page on how a file of completions came to be: models, sampling, prices, principles, failures, cost. */
export function completionsCard(config: FeedbackConfig, result: RunResult, statistics: CompletionStatistics): string {
  const { models, failures, principles } = statistics;
  const attempted = result.rows + result.failed;
  const kinds = Object.entries(failures).map(([kind, count]) => `${kind}: ${count}`);
  const sections = [
    "# Completions",
    [
      `- ${config.completionsPerPrompt} completions per prompt, of ${config.models.length} models drawn without replacement, seed ${config.seed}`,
      `- principles: ${principlesLine(config.principles)}`,
      `- rows: ${result.rows} completed, ${result.failed} failed (${percent(attempted === 0 ? null : result.failed / attempted)})${kinds.length === 0 ? "" : `: ${kinds.join(", ")}`}`,
      `- cost: ${dollars(result.cost_usd)}`,
    ].join("\n"),
    "## Models",
    table(
      ["model", "asked of", "answered as", "sampling", "completions", "cut at max_tokens", "mean characters", "cost"],
      config.models.map((model) => {
        const own = models[model.name] ?? { completions: 0, truncated: 0, characters: 0, served: [] };
        return [
          model.name,
          judgeLine(model),
          own.served.join(", "),
          `max_tokens ${model.max_tokens ?? 1024}, temperature ${model.temperature ?? "default"}, top_p ${model.top_p ?? "default"}`,
          String(own.completions),
          String(own.truncated),
          own.completions === 0 ? "-" : (own.characters / own.completions).toFixed(0),
          dollars(result.models[model.name]?.cost_usd ?? 0),
        ];
      }),
    ),
    ...(Object.keys(principles).length === 0
      ? []
      : [
          "## Principles",
          table(
            ["principle", "completions"],
            Object.entries(principles).map(([name, count]) => [name, String(count)]),
          ),
        ]),
  ];
  return `${sections.join("\n\n")}\n`;
}

/** A Markdown page on how a file of dialogues came to be: models, prices, settings, failures, lengths, personas, topics. */
export function dialoguesCard(config: FeedbackConfig, result: RunResult, statistics: DialogueStatistics): string {
  const assistant = config.dialogues.assistant ?? config.models[0];
  const { dialoguesPerTopic, rounds } = config.dialogues;
  const counts = (of: Record<string, number>): string[][] =>
    Object.entries(of)
      .sort(([a, n], [b, m]) => m - n || a.localeCompare(b))
      .map(([name, count]) => [name, String(count)]);
  const sections = [
    "# Dialogues",
    [
      `- user: ${judgeLine(config.dialogues.user ?? assistant)}`,
      `- assistant: ${judgeLine(assistant)}`,
      `- ${dialoguesPerTopic} first messages asked for per topic, near duplicates dropped; ${rounds[0]} to ${rounds[1]} rounds; seed ${config.seed}`,
      `- rows: ${result.rows} dialogues, ${result.failed} topics or dialogues failed`,
      `- cost: ${dollars(result.cost_usd)}`,
    ].join("\n"),
    "## Answers in a dialogue",
    table(
      ["answers", "dialogues"],
      Object.entries(statistics.rounds)
        .sort(([a], [b]) => Number(a) - Number(b))
        .map(([answers, count]) => [answers, String(count)]),
    ),
    "## Turns",
    table(
      ["role", "turns", "mean characters"],
      Object.entries(statistics.characters).map(([role, { turns, characters }]) => [
        role,
        String(turns),
        (characters / turns).toFixed(0),
      ]),
    ),
    "## Personas",
    table(["the user is", "dialogues"], counts(statistics.personas)),
    "## Topics",
    table(["topic", "dialogues"], counts(statistics.topics)),
  ];
  return `${sections.join("\n\n")}\n`;
}

function principlesLine(principles: FeedbackConfig["principles"]): string {
  if (principles === null) return "none";
  const chosen = typeof principles === "string" ? PRINCIPLE_PRESETS[principles] : principles;
  return `${typeof principles === "string" ? principles : "a table of one's own"}, sha256 ${requestKey(chosen)}`;
}

function judgeLine(judge: ModelConfig | undefined): string {
  if (judge === undefined) return "none";
  const { name, model, price } = judge;
  return `${name} (${model})${price === undefined ? "" : `, $${price.input_per_million} and $${price.output_per_million} per million tokens in and out`}`;
}

function ratingsLine(ratings: Record<string, number>): string {
  return Object.entries(ratings)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([rating, count]) => `${rating}: ${count}`)
    .join(", ");
}

function number(value: number | null): string {
  return value === null ? "-" : value.toFixed(3);
}

function percent(share: number | null): string {
  return share === null ? "-" : `${(100 * share).toFixed(1)}%`;
}

/** Names come from data: what would break a table is escaped. */
function table(header: string[], rows: string[][]): string {
  const line = (cells: string[]): string =>
    `| ${cells.map((cell) => cell.replace(/[|\r\n<>&]/g, (character) => `&#${character.charCodeAt(0)};`)).join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}
