import type { dpoFlags } from "../commands/dpo.ts";
import type { sftFlags } from "../commands/sft.ts";
import type { FlagValues } from "../flags/flag.ts";

type Shared = Omit<FlagValues<typeof sftFlags>, "packing" | "packingStrategy" | "completionOnlyLoss" | "assistantOnlyLoss">;

/** Settings that TRL 1.x and transformers 5 know under the names that they have here. */
const SAME = {
  learning_rate: "learningRate",
  lr_scheduler_type: "lrSchedulerType",
  lr_scheduler_kwargs: "lrSchedulerKwargs",
  per_device_train_batch_size: "perDeviceTrainBatchSize",
  per_device_eval_batch_size: "perDeviceEvalBatchSize",
  gradient_accumulation_steps: "gradientAccumulationSteps",
  num_train_epochs: "numTrainEpochs",
  max_steps: "maxSteps",
  weight_decay: "weightDecay",
  adam_beta1: "adamBeta1",
  adam_beta2: "adamBeta2",
  adam_epsilon: "adamEpsilon",
  max_grad_norm: "maxGradNorm",
  seed: "seed",
  train_sampling_strategy: "trainSamplingStrategy",
} as const satisfies Record<string, keyof Shared>;

/** What stands around the data: where it lies, what the model is called, where the result goes. */
export interface TrlPaths {
  data: string;
  output: string;
  hasEval: boolean;
}

/** The settings of both trainers, as `trl sft --config` and `trl dpo --config` read them; `undefined` entries are left out. */
export function sharedConfig(flags: Shared, { data, output, hasEval }: TrlPaths): Record<string, unknown> {
  const { warmupRatio, warmupSteps, maxLength, saveSteps, evalSteps, dtype } = flags;
  const settings = Object.fromEntries(Object.entries(SAME).map(([theirs, ours]) => [theirs, flags[ours]]));
  return defined({
    model_name_or_path: flags.model,
    dataset_name: data,
    dataset_train_split: "train",
    ...(hasEval && { dataset_test_split: "test" }),
    output_dir: output,
    ...settings,
    // transformers 5 has no warmup_ratio: warmup_steps below 1 is one.
    warmup_steps: warmupSteps ?? warmupRatio,
    max_length: maxLength === 0 ? null : maxLength,
    logging_steps: 1,
    ...(saveSteps > 0 ? { save_strategy: "steps", save_steps: saveSteps } : { save_strategy: "no" }),
    ...(hasEval && evalSteps !== undefined && { eval_strategy: "steps", eval_steps: evalSteps }),
    bf16: true,
    gradient_checkpointing: true,
    ...(dtype === "bf16" && { dtype: "bfloat16" }),
    ...(dtype === "nf4" && { load_in_4bit: true, bnb_4bit_quant_type: "nf4" }),
    ...adapter(flags),
  });
}

function adapter({ loraR, loraAlpha = 32, loraDropout = 0, loraTargetModules, initAdapter }: Shared): Record<string, unknown> {
  if (loraR === undefined || initAdapter !== undefined) return {};
  const modules = loraTargetModules ?? ["all-linear"];
  return {
    use_peft: true,
    lora_r: loraR,
    lora_alpha: loraAlpha,
    lora_dropout: loraDropout,
    lora_target_modules: modules.length === 1 ? modules[0] : modules,
  };
}

/** What only SFTTrainer has; `template` is the path of the chat template. */
export function sftConfig(flags: FlagValues<typeof sftFlags>, template: string | undefined): Record<string, unknown> {
  const { packing, packingStrategy, completionOnlyLoss, assistantOnlyLoss } = flags;
  return {
    chat_template_path: template,
    packing,
    ...(packing && { packing_strategy: packingStrategy }),
    completion_only_loss: completionOnlyLoss ? undefined : false,
    assistant_only_loss: assistantOnlyLoss,
  };
}

/** What only DPOTrainer has. */
export function dpoConfig(flags: Omit<FlagValues<typeof dpoFlags>, "learningRate">): Record<string, unknown> {
  const { beta, lossType, lossWeights, labelSmoothing, fDivergenceType, fAlphaDivergenceCoef, discopopTau, reference, loraR } =
    flags;
  const usesAdapter = loraR !== undefined;
  return {
    beta,
    loss_type: lossType,
    loss_weights: lossWeights,
    label_smoothing: labelSmoothing,
    f_divergence_type: fDivergenceType,
    f_alpha_divergence_coef: fAlphaDivergenceCoef,
    discopop_tau: discopopTau,
    ld_alpha: flags.ldAlpha,
    use_weighting: flags.useWeighting,
    precompute_ref_log_probs: reference === "precompute" || (reference === undefined && !usesAdapter),
  };
}

export function defined(settings: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

/** An accelerate config that shards model and optimizer over the GPUs of one machine. */
export function accelerateConfig(sharding: "fsdp" | "zero3", processes: number): Record<string, unknown> {
  const shared = {
    compute_environment: "LOCAL_MACHINE",
    mixed_precision: "bf16",
    num_machines: 1,
    num_processes: processes,
    machine_rank: 0,
  };
  if (sharding === "zero3") {
    const deepspeed_config = {
      zero_stage: 3,
      zero3_init_flag: true,
      zero3_save_16bit_model: true,
      offload_optimizer_device: "none",
      offload_param_device: "none",
    };
    return { ...shared, distributed_type: "DEEPSPEED", deepspeed_config };
  }
  const fsdp_config = {
    fsdp_version: 2,
    fsdp_auto_wrap_policy: "TRANSFORMER_BASED_WRAP",
    fsdp_reshard_after_forward: true,
    fsdp_cpu_ram_efficient_loading: true,
    fsdp_offload_params: false,
    fsdp_state_dict_type: "FULL_STATE_DICT",
    fsdp_activation_checkpointing: false,
  };
  return { ...shared, distributed_type: "FSDP", fsdp_config };
}
