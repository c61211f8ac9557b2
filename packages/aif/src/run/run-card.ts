import type { FeedbackConfig, ModelConfig } from "../config/feedback-config.ts";
import { requestKey } from "../journal/request-key.ts";
import { ULTRAFEEDBACK } from "../rubrics/ultrafeedback.ts";
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
