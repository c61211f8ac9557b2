import { handbookData } from "./handbook-data.ts";
import { OF_SFT, RENAMED, SAME, whyLeftOut, whyNotNeeded } from "./handbook-keys.ts";

/** A recipe of the alignment handbook, in this package's names. Every key of it is in the settings, or one of the two lists says why not. */
export interface ImportedRecipe {
  /** The command that it is for. */
  command: "sft" | "dpo";
  settings: Record<string, unknown>;
  /** What could not be carried over, and why. */
  notes: string[];
  /** Keys without which the run is the same, and why. */
  notNeeded: string[];
}

/** Translates an alignment-handbook YAML. */
export function importHandbook(recipe: Record<string, unknown>): ImportedRecipe {
  const notes: string[] = [];
  const notNeeded: string[] = [];
  const settings: Record<string, unknown> = handbookData(recipe, notes);
  const usesPeft = recipe["use_peft"] === true;
  const isPreference = "beta" in recipe || "loss_type" in recipe || "max_prompt_length" in recipe;
  const hub = Object.keys(recipe).filter((key) => isOfHub(key) && recipe[key] !== false && recipe[key] !== null);
  if (isPreference) notes.push(...otherLosses(recipe));
  if (hub.length > 0) notes.push(`${hub.join(", ")}: left out, the model stays in its folder; \`hf upload\` puts it on the Hub`);
  for (const [key, value] of Object.entries(recipe)) {
    const special =
      isPreference && OF_SFT.has(key)
        ? undefined
        : SPECIAL[key]?.(value, { notes, usesPeft, isPacked: recipe["load_in_4bit"] === true });
    if (special) Object.assign(settings, special);
    else if (key.startsWith("lora_") && !usesPeft) notes.push(`${key} is left out: use_peft is not true`);
    else if (isPreference && OF_SFT.has(key)) notes.push(`${key}: ${value} is left out: dpo has nothing like it`);
    else if (key in RENAMED) settings[RENAMED[key]!] = value;
    else if (SAME.has(key)) settings[key] = value;
    else if (key === "eval_steps" || hub.includes(key)) continue;
    else {
      const reason = whyNotNeeded(key, value);
      if (reason === undefined) notes.push(`${key}: ${JSON.stringify(value)} is left out: ${whyLeftOut(key)}`);
      else notNeeded.push(`${key}: ${reason}`);
    }
  }
  return { command: isPreference ? "dpo" : "sft", settings, notes, notNeeded };
}

/** Recipes of other trainers have the keys of DPO's; only their names tell. */
function otherLosses(recipe: Record<string, unknown>): string[] {
  const names = ["output_dir", "hub_model_id", "run_name"].map((key) => String(recipe[key] ?? "").toLowerCase());
  const other = ["orpo", "kto", "cpo"].find((loss) => names.some((name) => name.split(/[^a-z]+/).includes(loss)));
  if (other === undefined) return [];
  return [
    `a recipe of ${other.toUpperCase()}, as its name says, has the keys of one of DPO: the config trains with DPO, dpo has no ${other.toUpperCase()}`,
  ];
}

const isOfHub = (key: string): boolean => key === "push_to_hub" || key.startsWith("hub_");

interface Surroundings {
  notes: string[];
  usesPeft: boolean;
  /** Its base is kept in 4 bits. */
  isPacked: boolean;
}

/** Keys whose value decides what becomes of them; undefined: they go the way of any other. */
const SPECIAL: Readonly<Record<string, (value: unknown, surroundings: Surroundings) => Record<string, unknown> | undefined>> = {
  load_in_4bit: (value) => (value === true ? { dtype: "nf4" } : undefined),
  torch_dtype: baseWeights,
  dtype: baseWeights,
  chat_template: templateSettings,
  save_strategy: saveSettings,
  save_steps: stepSettings,
  packing_strategy: (value) => (value === "ffd" ? { packing_strategy: "bfd" } : undefined),
  report_to: reportSettings,
};

/** A frozen base may be kept in bf16; weights that are trained may not. */
function baseWeights(value: unknown, { usesPeft, isPacked }: Surroundings): Record<string, unknown> | undefined {
  return usesPeft && !isPacked && value === "bfloat16" ? { dtype: "bf16" } : undefined;
}

/** The handbook's Zephyr template is ours by name; another one has to become a file. */
function templateSettings(value: unknown, { notes }: Surroundings): Record<string, unknown> {
  const marks = ["<|system|>", "<|user|>", "<|assistant|>", "eos_token"];
  if (typeof value === "string" && marks.every((mark) => value.includes(mark))) return { chat_template_path: "zephyr" };
  notes.push("chat_template is left out: write its text to a file and give that as chat_template_path");
  return {};
}

function saveSettings(value: unknown, { notes }: Surroundings): Record<string, unknown> | undefined {
  if (value === "no") return { save_steps: 0 };
  if (value === "steps") return undefined;
  notes.push(`save_strategy: ${JSON.stringify(value)} is left out: checkpoints come every save_steps`);
  return {};
}

/** Hugging Face's steps below 1 are a share of the run, whose length is not known before its rows are. */
function stepSettings(value: unknown, { notes }: Surroundings): Record<string, unknown> | undefined {
  if (typeof value !== "number" || value >= 1) return undefined;
  notes.push(`save_steps: ${value} is left out: give a number of steps, not a share of the run`);
  return {};
}

function reportSettings(value: unknown, { notes }: Surroundings): Record<string, unknown> | undefined {
  const given = [value].flat().filter((name) => name !== null && name !== "none");
  if (given.length === 0) return undefined;
  const others = given.filter((name) => name !== "tensorboard" && name !== "all");
  if (others.length > 0)
    notes.push(`report_to: ${others.join(", ")} is left out: there are TensorBoard's event files here, and \`zephyr watch\``);
  return given.length > others.length ? { report_to: "tensorboard" } : {};
}
