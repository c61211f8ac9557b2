import type { Tokenizer } from "@zephyr/data";
import { badRequest } from "./api-error.ts";
import type { Prompted } from "./chat-request.ts";
import { booleanField, integerField, refuseOtherFields, wrongField } from "./fields.ts";
import { readSampling, SAMPLING_FIELDS } from "./sampling.ts";

const KNOWN = [...SAMPLING_FIELDS, "prompt", "echo", "logprobs"];
/** What OpenAI's text completions take where nothing is said. */
const USUAL_TOKENS = 16;
const MOST_PROMPTS = 256;

export interface CompletionRequest extends Prompted {
  /** The text of each prompt, which stands before its answers; undefined without `echo`. */
  echoes: (string | undefined)[];
}

/** The body of `/v1/completions`. Throws an ApiError naming the field. */
export function readCompletionRequest(body: Record<string, unknown>, tokenizer: Tokenizer): CompletionRequest {
  refuseOtherFields(body, KNOWN);
  const sampling = readSampling(body);
  const maxTokens = sampling.maxTokens ?? USUAL_TOKENS;
  const topLogps = integerField(body, "logprobs", { min: 0, max: 20 });
  const echo = booleanField(body, "echo");
  if (echo && topLogps !== undefined)
    throw badRequest("logprobs", "logprobs with echo is not supported: use `zephyr score` for a prompt's log-probabilities");
  if (maxTokens === 0 && !echo) throw wrongField("max_tokens", 0, "a whole number from 1, or echo the prompt alone");
  const given = readPrompts(body["prompt"]);
  const prompts = given.map((one) => (typeof one === "string" ? tokenizer.encode(one) : one));
  const textOf = (one: string | number[]): string =>
    typeof one === "string" ? one : tokenizer.decode(one, { skipSpecialTokens: true });
  return { ...sampling, maxTokens, prompts, topLogps, echoes: given.map((one) => (echo ? textOf(one) : undefined)) };
}

const isIds = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length > 0 && value.every((id) => Number.isInteger(id));

function readPrompts(value: unknown): (string | number[])[] {
  const list: unknown[] = isIds(value) || !Array.isArray(value) ? [value] : value;
  const isList = list.length > 0 && list.length <= MOST_PROMPTS;
  if (isList && list.every((one): one is string | number[] => typeof one === "string" || isIds(one))) return list;
  throw wrongField("prompt", value, `a text, token ids, or a list of at most ${MOST_PROMPTS} of either`);
}
