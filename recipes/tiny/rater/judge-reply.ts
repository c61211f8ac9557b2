import type { JudgeRequest } from "./judge-request.ts";
import { type AnswerRating, ASPECTS, type Aspect, rateAnswer } from "./rate-answer.ts";

/** Answers a judge request in the text form that it asks for. Throws RangeError where `rateAnswer` does. */
export function judgeReply(request: JudgeRequest): string {
  const ratings = request.texts.map((text) => rateAnswer(request.prompt, text));
  if (request.asks === "aspect") return aspectReply(request.aspect, request.wantsTypes, ratings);
  return request.asks === "critique" ? critiqueReply(ratings[0]!) : verdictReply(ratings[0]!, ratings[1]!);
}

/** The mean of the four aspects, which decides between two answers. */
export function meanRating({ aspects }: AnswerRating): number {
  return ASPECTS.reduce((sum, aspect) => sum + aspects[aspect].rating, 0) / ASPECTS.length;
}

function aspectReply(aspect: Aspect, wantsTypes: boolean, ratings: readonly AnswerRating[]): string {
  return ratings
    .map((rated, at) => {
      const { rating, rationale } = rated.aspects[aspect];
      const types = wantsTypes ? `Type: ${typesOf(aspect, rated).join(", ") || "None"}\n` : "";
      return `#### Output for Text ${at + 1}\n${types}Rationale: ${rationale}\nRating: ${rating}`;
    })
    .join("\n\n");
}

/** Truthfulness numbers the kinds of untruth found, helpfulness the virtues found. */
function typesOf(aspect: Aspect, { findings, aspects }: AnswerRating): number[] {
  if (aspect === "truthfulness") return findings.answered === "wrong" || findings.falseExtras > 0 ? [1] : [];
  if (aspect !== "helpfulness") return [];
  const clear = findings.answered === "right" && findings.unclear + findings.besideThePoint === 0;
  const useful = aspects.helpfulness.rating >= 4;
  const brief = findings.repeated + findings.filler === 0;
  return [clear, useful, brief].flatMap((found, at) => (found ? [at + 1] : []));
}

function critiqueReply({ aspects, overallScore }: AnswerRating): string {
  const advice = ASPECTS.map((aspect) => `${aspect.replace("_", " ")}: ${aspects[aspect].rationale}`).join(" ");
  return `Critique: ${advice}\n\nOverall Score: ${overallScore}`;
}

function verdictReply(a: AnswerRating, b: AnswerRating): string {
  const [meanA, meanB] = [meanRating(a), meanRating(b)];
  const verdict = meanA === meanB ? "tie" : meanA > meanB ? "A" : "B";
  return `Answer A has a mean rating of ${meanA} and answer B of ${meanB}, from 1 to 5.\nVerdict: ${verdict}`;
}
