/** A recipe of the alignment handbook, in this package's names. */
export interface ImportedRecipe {
  /** The command that it is for. */
  command: "sft" | "dpo";
  settings: Record<string, unknown>;
  /** What could not be carried over, and why. */
  notes: string[];
}

/** Keys that mean the same here. */
const RENAMED: Readonly<Record<string, string>> = {
  model_name_or_path: "model",
  output_dir: "output",
  max_seq_length: "max_length",
  max_length: "max_length",
};
const SAME = new Set([
  ..."learning_rate lr_scheduler_type lr_scheduler_kwargs warmup_ratio warmup_steps per_device_train_batch_size per_device_eval_batch_size".split(
    " ",
  ),
  ..."gradient_accumulation_steps num_train_epochs max_steps weight_decay adam_beta1 adam_beta2 adam_epsilon max_grad_norm seed".split(
    " ",
  ),
  ..."save_steps save_total_limit load_best_model_at_end metric_for_best_model greater_is_better eval_steps gradient_checkpointing packing packing_strategy assistant_only_loss completion_only_loss".split(
    " ",
  ),
  ..."beta loss_type loss_weights label_smoothing f_divergence_type ld_alpha use_weighting lora_r lora_alpha lora_dropout lora_target_modules".split(
    " ",
  ),
]);
/** Keys that change nothing in what is trained. */
const SILENT =
  /^(logging_|log_level|report_to|push_to_hub|hub_|do_eval|do_train|eval_strategy|evaluation_strategy|save_strategy|preprocessing_num_workers|dataset_num_proc|trust_remote_code|attn_implementation|use_flash_attention_2|run_name|overwrite_output_dir|gradient_checkpointing_kwargs|remove_unused_columns|tf32|ddp_|dataset_kwargs|use_peft|dataset_splits|model_revision|bf16|torch_dtype|dtype)/;
const WHY: Readonly<Record<string, string>> = {
  optim: "the optimizer here is AdamW",
  load_in_8bit: "there are f32, bf16 and nf4 weights here; pass --dtype",
  max_prompt_length: "only max_length cuts here, as in TRL 1.x",
};

/** Translates an alignment-handbook YAML; every key without a meaning here is noted. */
export function importHandbook(recipe: Record<string, unknown>): ImportedRecipe {
  const notes: string[] = [];
  const settings: Record<string, unknown> = {};
  const usesPeft = recipe["use_peft"] === true;
  for (const [key, value] of Object.entries(recipe)) {
    if (key === "dataset_mixture" || key === "dataset_mixer" || key === "dataset_name")
      Object.assign(settings, dataSettings(value, recipe, notes));
    else if (key.startsWith("lora_") && !usesPeft) notes.push(`${key} is left out: use_peft is not true`);
    else if (key === "load_in_4bit") Object.assign(settings, value === true && { dtype: "nf4" });
    else if (key === "chat_template") Object.assign(settings, templateSettings(value, notes));
    else if (key in RENAMED) settings[RENAMED[key]!] = value;
    else if (SAME.has(key)) settings[key] = value;
    else if (SILENT.test(key) || (key === "optim" && String(value).startsWith("adamw"))) continue;
    else notes.push(`${key}: ${JSON.stringify(value)} is left out: ${WHY[key] ?? "there is nothing like it here"}`);
  }
  const isPreference = "beta" in recipe || "loss_type" in recipe || "max_prompt_length" in recipe;
  return { command: isPreference ? "dpo" : "sft", settings, notes };
}

/** The handbook's Zephyr template is ours by name; another one has to become a file. */
function templateSettings(value: unknown, notes: string[]): Record<string, unknown> {
  const marks = ["<|system|>", "<|user|>", "<|assistant|>", "eos_token"];
  if (typeof value === "string" && marks.every((mark) => value.includes(mark))) return { chat_template_path: "zephyr" };
  notes.push("chat_template is left out: write its text to a file and give that as chat_template_path");
  return {};
}

interface MixturePart {
  id?: unknown;
  split?: unknown;
  weight?: unknown;
}

/** One data set with its training split; a second one, or a share of one, has to be mixed by `zephyr prepare` first. */
function dataSettings(value: unknown, recipe: Record<string, unknown>, notes: string[]): Record<string, unknown> {
  if (typeof value === "string") return { data: value };
  const mixture = value as { datasets?: MixturePart[] } & Record<string, number>;
  const splits = recipe["dataset_splits"] as string[] | undefined;
  const parts: MixturePart[] =
    mixture.datasets ?? Object.entries(mixture).map(([id, weight]) => ({ id, weight, split: splits?.[0] }));
  const [first, ...rest] = parts;
  for (const { id, split } of rest) {
    const isHeldOut = String(split).startsWith("test");
    const reason = isHeldOut
      ? "a held-out split must not be trained on"
      : "mix data sets with `zephyr prepare --mix` and give the file as data";
    notes.push(`data set ${id}${split === undefined ? "" : `, split ${split}`}, is left out: ${reason}`);
  }
  if (typeof first?.weight === "number" && first.weight !== 1)
    notes.push(`weight ${first.weight} of ${first.id} is left out: take a share with \`zephyr prepare --mix\``);
  return { data: first?.id, ...(first?.split !== undefined && { dataset_train_split: first.split }) };
}
