import { formatError, quote } from "../format-error.ts";
import { pythonJson } from "../json/python-json.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../json/strict-json.ts";

/** A LoRA adapter as PEFT's `adapter_config.json` describes it. */
export interface AdapterConfig {
  /** Rank of the two matrices. */
  r: number;
  loraAlpha: number;
  /** Fraction of the adapter's inputs that training drops. */
  loraDropout: number;
  /** Whether the scaling is alpha / sqrt(r) (rsLoRA) rather than alpha / r. */
  useRslora: boolean;
  /** Names of linear modules, or the last parts of their names; a text is "all-linear" or a pattern of PEFT's. */
  targetModules: string[] | string;
  /** Where the base model was; nothing is loaded from there unless the user says so. */
  baseModel: string | undefined;
  /** The whole file. */
  raw: JsonObject;
}

/** Factor of the adapter's contribution: alpha / r, or alpha / sqrt(r) with rsLoRA (Kalajdzievski, arXiv 2312.03732). */
export function loraScaling({ r, loraAlpha, useRslora }: Pick<AdapterConfig, "r" | "loraAlpha" | "useRslora">): number {
  return loraAlpha / (useRslora ? Math.sqrt(r) : r);
}

/** Features of PEFT that would make the model compute something else than plain LoRA, and the values that mean "off". */
const OFF: Record<string, JsonValue[]> = {
  use_dora: [false],
  use_qalora: [false],
  use_bdlora: [null, false],
  lora_bias: [false],
  bias: ["none"],
  fan_in_fan_out: [false],
  modules_to_save: [null],
  layers_to_transform: [null],
  layer_replication: [null],
  target_parameters: [null],
  trainable_token_indices: [null],
  alora_invocation_tokens: [null],
};

/**
 * Reads a parsed `adapter_config.json`.
 *
 * Throws `ERR_ADAPTER` for fields out of range and for every feature of PEFT that is not plain LoRA (DoRA, saved modules, rank
 * patterns ...), naming field and value.
 *
 * @example const adapter = parseAdapterConfig(JSON.parse(text)); loraScaling(adapter) // 2
 */
export function parseAdapterConfig(json: unknown): AdapterConfig {
  if (!isJsonObject(json))
    throw formatError("ERR_ADAPTER", "parseAdapterConfig: adapter_config.json holds no object; give an adapter of PEFT");
  const check = <T extends JsonValue>(
    field: string,
    holds: (value: unknown) => value is T,
    expected: string,
    fallback?: T,
  ): T => {
    const value = json[field] ?? fallback;
    if (holds(value)) return value;
    const given = quote(JSON.stringify(json[field]) ?? "absent");
    throw formatError("ERR_ADAPTER", `parseAdapterConfig: ${field} is ${given}; it must be ${expected}`);
  };
  check("peft_type", (value): value is string => value === "LORA", '"LORA", the one kind of adapter that is supported');
  refuseOtherFeatures(json);
  const baseModel = json["base_model_name_or_path"];
  return {
    r: check("r", isRank, "a whole number from 1 to 65536", 8),
    loraAlpha: check("lora_alpha", isPositive, "a finite number above 0", 8),
    loraDropout: check("lora_dropout", isDropout, "a number from 0 to below 1", 0),
    useRslora: check("use_rslora", (value) => typeof value === "boolean", "true or false", false),
    targetModules: check("target_modules", isTargets, "a text or a list of texts"),
    baseModel: typeof baseModel === "string" ? baseModel : undefined,
    raw: json,
  };
}

const isPositive = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value) && value > 0;
const isRank = (value: unknown): value is number => isPositive(value) && Number.isInteger(value) && value <= 65536;
const isDropout = (value: unknown): value is number => typeof value === "number" && value >= 0 && value < 1;
const isTargets = (value: unknown): value is string | string[] =>
  (typeof value === "string" && value !== "") ||
  (Array.isArray(value) && value.length > 0 && value.every((entry) => typeof entry === "string" && entry !== ""));

function refuseOtherFeatures(json: JsonObject): void {
  const refuse = (field: string) => {
    const given = quote(JSON.stringify(json[field]));
    return formatError(
      "ERR_ADAPTER",
      `parseAdapterConfig: ${field} is ${given}; only plain LoRA is supported, merge this adapter with PEFT first`,
    );
  };
  for (const [field, off] of Object.entries(OFF)) {
    if (json[field] !== undefined && !off.includes(json[field])) throw refuse(field);
  }
  for (const field of ["rank_pattern", "alpha_pattern"]) {
    const pattern = json[field] ?? {};
    if (!isJsonObject(pattern) || Object.keys(pattern).length > 0) throw refuse(field);
  }
}

/** The text of `adapter_config.json` that PEFT loads: what the original file said, or PEFT's defaults, with our fields on top. */
export function writeAdapterConfig(config: AdapterConfig): string {
  const { r, loraAlpha, loraDropout, useRslora, targetModules, baseModel, raw } = config;
  return pythonJson({
    bias: "none",
    fan_in_fan_out: false,
    init_lora_weights: true,
    modules_to_save: null,
    task_type: "CAUSAL_LM",
    ...raw,
    base_model_name_or_path: baseModel ?? null,
    inference_mode: true,
    lora_alpha: loraAlpha,
    lora_dropout: loraDropout,
    peft_type: "LORA",
    r,
    target_modules: typeof targetModules === "string" ? targetModules : [...targetModules].sort(),
    use_rslora: useRslora,
  });
}
