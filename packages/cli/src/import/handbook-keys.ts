/** Keys that have another name here. */
export const RENAMED: Readonly<Record<string, string>> = {
  model_name_or_path: "model",
  output_dir: "output",
  max_seq_length: "max_length",
};

/** Keys that mean the same here. */
export const SAME: ReadonlySet<string> = new Set(
  [
    "learning_rate lr_scheduler_type lr_scheduler_kwargs warmup_ratio warmup_steps per_device_train_batch_size per_device_eval_batch_size",
    "gradient_accumulation_steps num_train_epochs max_steps max_length weight_decay adam_beta1 adam_beta2 adam_epsilon max_grad_norm seed",
    "save_steps save_total_limit load_best_model_at_end metric_for_best_model greater_is_better gradient_checkpointing",
    "packing packing_strategy assistant_only_loss completion_only_loss dataset_train_split chat_template_path",
    "beta loss_type loss_weights label_smoothing f_divergence_type f_alpha_divergence_coef discopop_tau ld_alpha use_weighting",
    "lora_r lora_alpha lora_dropout lora_target_modules",
  ].flatMap((line) => line.split(" ")),
);

/** Those of them that supervised training alone has. */
export const OF_SFT: ReadonlySet<string> = new Set([
  "packing",
  "packing_strategy",
  "assistant_only_loss",
  "completion_only_loss",
]);

/** Keys without which a run is the same, and why. */
const NOT_NEEDED: readonly [RegExp, string][] = [
  [/^logging_(steps|strategy|first_step|dir)$/, "every step is logged"],
  [/^(log_level|run_name)$/, "a run is called by its folder"],
  [/^(dataset_num_proc|preprocessing_num_workers|dataloader_\w+)$/, "rows are prepared before the first step"],
  [/^(attn_implementation|use_flash_attention_2|use_liger_kernel)$/, "attention and loss are fused always"],
  [/^padding_free$/, "there is no padding"],
  [/^(bf16|fp16|tf32|torch_dtype|dtype|bnb_4bit_compute_dtype)$/, "arithmetic is float32; dtype says how a frozen base is kept"],
  [/^gradient_checkpointing_kwargs$/, "recomputation gives the same bits"],
  [/^(remove_unused_columns|trust_remote_code)$/, "unknown columns pass through, and no code of a repository is run"],
  [/^(ddp_\w+|average_tokens_across_devices)$/, "one device"],
  [/^(do_eval|do_train)$/, "eval_data says whether there are evaluations"],
  [/^save_strategy$/, "checkpoints come every save_steps"],
  [/^report_to$/, "nothing is reported unless asked for"],
  [/^load_in_4bit$/, "it is off"],
  [/^use_peft$/, "lora_r says that there is an adapter"],
  [/^dataset_(mixer|mixture|name|splits|test_split|config|configs)$/, "data and eval_data are made of it"],
  [/^eval_strategy|^evaluation_strategy/, "eval_data and eval_steps are made of it"],
];

/** Keys that would make a difference, and why they make none here. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  optim: "the optimizer here is AdamW",
  load_in_8bit: "there are f32, bf16 and nf4 weights here; pass --dtype",
  bnb_4bit_quant_type: "4-bit weights are nf4",
  use_bnb_nested_quant: "scales of nf4 blocks are float32",
  lora_modules_to_save: "only the adapter is trained",
  lora_task_type: "language models alone are trained",
  max_prompt_length: "only max_length cuts here, as in TRL 1.x",
  overwrite_output_dir: "pass --overwrite when a run is to be replaced",
  eos_token: "the tokenizer's own holds; change it in its folder",
  model_revision: "the main branch is downloaded; give the folder of another revision as model",
  dataset_kwargs: "conversations hold the template's tokens alone; texts get what the tokenizer adds",
};

/** Why a run is the same without a key of this value; undefined where it is not. */
export function whyNotNeeded(key: string, value: unknown): string | undefined {
  if (value === null) return "it has no value";
  if (key === "optim" && /^(paged_)?adamw/.test(String(value))) return "AdamW, always";
  if (key === "model_revision" && value === "main") return "the main branch is downloaded";
  if (key === "bnb_4bit_quant_type" && value === "nf4") return "4-bit weights are nf4";
  if (value === false && (LEFT_OUT[key] !== undefined || /^(push_to_hub|hub_)/.test(key))) return "it is off";
  return NOT_NEEDED.find(([pattern]) => pattern.test(key))?.[1];
}

/** Why a key that would make a difference is left out. */
export const whyLeftOut = (key: string): string => LEFT_OUT[key] ?? "there is nothing like it here";
