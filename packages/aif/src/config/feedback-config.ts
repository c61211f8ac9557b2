import { checkRubric, type Rubric } from "../rubrics/rubric.ts";
import { checkPrinciples, type Principles } from "../sampling/principles.ts";
import { ConfigError, checkFields, type FieldChecks, isAnything, isBoolean, isNumber, isText } from "./check-fields.ts";

/** One model as a config file describes it. */
export interface ModelConfig {
  name: string;
  base_url: string;
  model: string;
  provider?: "openai" | "anthropic" | "gemini";
  api_key_env?: string;
  max_concurrency?: number;
  requests_per_minute?: number;
  tokens_per_minute?: number;
  timeout_seconds?: number;
  max_retries?: number;
  max_wait_seconds?: number;
  stream?: boolean;
  max_tokens?: number;
  temperature?: number;
  top_p?: number;
  price?: { input_per_million: number; output_per_million: number };
  structured_output?: boolean;
}

/** A checked config file; `principles` and `rubric` are loaded. */
export interface FeedbackConfig {
  models: ModelConfig[];
  completionsPerPrompt: number;
  principles: Principles | "readme" | "code" | null;
  judge: ModelConfig | undefined;
  rubric: Rubric | "ultrafeedback";
  repeats: number;
  budgetUsd: number | undefined;
  seed: number;
  journal: string | undefined;
  dialogues: {
    user: ModelConfig | undefined;
    assistant: ModelConfig | undefined;
    dialoguesPerTopic: number;
    rounds: [number, number];
    personas: string[] | undefined;
  };
}

const PROVIDERS = ["openai", "anthropic", "gemini"];

const MODEL_FIELDS: FieldChecks = {
  name: isText,
  base_url: (value) =>
    typeof value === "string" && /^https?:\/\//.test(value) && URL.canParse(value)
      ? undefined
      : 'a URL such as "http://127.0.0.1:8000/v1"',
  model: isText,
  provider: (value) => (PROVIDERS.includes(value as string) ? undefined : `one of ${PROVIDERS.join(", ")}`),
  api_key_env: isText,
  max_concurrency: isNumber(1, { whole: true }),
  requests_per_minute: isNumber(0, { above: true }),
  tokens_per_minute: isNumber(0, { above: true }),
  timeout_seconds: isNumber(0, { above: true }),
  max_retries: isNumber(0, { whole: true }),
  max_wait_seconds: isNumber(0, { above: true }),
  stream: isBoolean,
  max_tokens: isNumber(1, { whole: true }),
  temperature: isNumber(0),
  top_p: isNumber(0, { above: true }),
  price: isAnything,
};

const JUDGE_FIELDS: FieldChecks = { ...MODEL_FIELDS, structured_output: isBoolean };
const PRICE_FIELDS: FieldChecks = { input_per_million: isNumber(0), output_per_million: isNumber(0) };

const CONFIG_FIELDS: FieldChecks = {
  models: (value) => (Array.isArray(value) && value.length > 0 ? undefined : "a list of models"),
  completions_per_prompt: isNumber(1, { whole: true }),
  principles: (value) =>
    value === null || typeof value === "string" ? undefined : '"readme", "code", the path of a file, or null',
  judge: isAnything,
  rubric: isText,
  repeats: isNumber(1, { whole: true }),
  budget_usd: (value) => (value === null ? undefined : isNumber(0)(value)),
  seed: (value) => (Number.isSafeInteger(value) ? undefined : "a whole number"),
  journal: isText,
  user: isAnything,
  assistant: isAnything,
  dialogues_per_topic: isNumber(1, { whole: true }),
  rounds: (value) => (isRange(value) ? undefined : "two whole numbers from 1 up, the smaller first"),
  personas: (value) =>
    Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "string") ? undefined : "a list of texts",
};

function isRange(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [least, most] = value;
  return Number.isInteger(least) && Number.isInteger(most) && least >= 1 && most >= least;
}

/**
 * Checks a config (already parsed from JSON or YAML) and loads the files that it names through `readObject`.
 * Throws a `ConfigError` that names the place, the value, and the nearest known key.
 */
export async function feedbackConfig(
  value: unknown,
  readObject: (path: string) => Promise<unknown>,
  where = "config",
): Promise<FeedbackConfig> {
  const fields = checkFields(value, CONFIG_FIELDS, [], where);
  const models = ((fields["models"] as unknown[] | undefined) ?? []).map((model, i) =>
    modelConfig(model, MODEL_FIELDS, `${where}: models[${i}]`),
  );
  const judge = fields["judge"] === undefined ? undefined : modelConfig(fields["judge"], JUDGE_FIELDS, `${where}: judge`);
  const { rubric = "ultrafeedback", principles = null } = fields as { rubric?: string; principles?: string | null };
  return {
    models,
    completionsPerPrompt: (fields["completions_per_prompt"] as number | undefined) ?? 4,
    principles:
      principles === null || principles === "readme" || principles === "code"
        ? principles
        : await loaded(principles, readObject, checkPrinciples),
    judge,
    rubric: rubric === "ultrafeedback" ? rubric : await loaded(rubric, readObject, checkRubric),
    repeats: (fields["repeats"] as number | undefined) ?? 1,
    budgetUsd: (fields["budget_usd"] as number | null | undefined) ?? undefined,
    seed: (fields["seed"] as number | undefined) ?? 0,
    journal: fields["journal"] as string | undefined,
    dialogues: {
      user: optionalModel(fields["user"], `${where}: user`),
      assistant: optionalModel(fields["assistant"], `${where}: assistant`),
      dialoguesPerTopic: (fields["dialogues_per_topic"] as number | undefined) ?? 10,
      rounds: (fields["rounds"] as [number, number] | undefined) ?? [2, 4],
      personas: fields["personas"] as string[] | undefined,
    },
  };
}

function modelConfig(value: unknown, checks: FieldChecks, where: string): ModelConfig {
  const fields = checkFields(value, checks, ["base_url", "model"], where);
  if (fields["price"] !== undefined)
    checkFields(fields["price"], PRICE_FIELDS, ["input_per_million", "output_per_million"], `${where}: price`);
  return { ...fields, name: fields["name"] ?? fields["model"] } as ModelConfig;
}

function optionalModel(value: unknown, where: string): ModelConfig | undefined {
  return value === undefined ? undefined : modelConfig(value, MODEL_FIELDS, where);
}

async function loaded<T>(
  path: string,
  readObject: (path: string) => Promise<unknown>,
  check: (value: unknown, where: string) => T,
): Promise<T> {
  let object: unknown;
  try {
    object = await readObject(path);
  } catch (cause) {
    throw Object.assign(
      new ConfigError(`${path}: cannot be read (${(cause as Error).message}); name a preset or a JSON or YAML file`),
      { cause },
    );
  }
  try {
    return check(object, path);
  } catch (cause) {
    throw Object.assign(new ConfigError((cause as Error).message), { cause });
  }
}
