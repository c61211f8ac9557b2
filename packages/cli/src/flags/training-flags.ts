import { choice, integer, number, openToggle, settings, text, texts, toggle } from "./flag.ts";

/** Schedules of transformers' `lr_scheduler_type` that the engine has. */
export const SCHEDULE_NAMES = [
  "linear",
  "cosine",
  "cosine_with_restarts",
  "polynomial",
  "constant",
  "constant_with_warmup",
  "inverse_sqrt",
  "cosine_with_min_lr",
  "warmup_stable_decay",
] as const;

/** Which rows, which model, where to. */
export const sourceFlags = {
  model: text({ help: "model folder, or id on the Hugging Face Hub", placeholder: "DIR|ID", required: true }),
  data: text({
    help: "training rows: .jsonl, .json, .parquet (also .gz, .zst), or a dataset's id on the Hub",
    placeholder: "FILE|ID",
    required: true,
  }),
  chatTemplatePath: text({
    help: "how a conversation is written, for a model that does not say it: zephyr, a Jinja file, or a folder with one",
    placeholder: "PATH",
  }),
  datasetTrainSplit: text({ help: "split of a dataset on the Hub to train on", default: "train", placeholder: "NAME" }),
  datasetTestSplit: text({ help: "split of a dataset on the Hub to evaluate on", default: "test", placeholder: "NAME" }),
  output: text({ help: "folder for model, log and checkpoints", placeholder: "DIR", required: true }),
  resume: toggle({ help: "go on from the newest good checkpoint of --output, or start if there is none" }),
  overwrite: toggle({ help: "replace a run that is in --output" }),
};

/** What Hugging Face's TrainingArguments and TRL's trainers share; their names and defaults. */
export const optimizationFlags = {
  lrSchedulerType: choice({ help: "shape of the learning rate", choices: SCHEDULE_NAMES, default: "linear" }),
  lrSchedulerKwargs: settings({ help: "options of the schedule: num_cycles, power, lr_end, min_lr, ..." }),
  warmupRatio: number({ help: "fraction of the run over which the learning rate rises", min: 0, max: 1 }),
  warmupSteps: number({ help: "steps, or a fraction of the run below 1, over which it rises", min: 0 }),
  perDeviceTrainBatchSize: integer({ help: "rows or pairs per micro-batch", default: 8, min: 1 }),
  gradientAccumulationSteps: integer({ help: "micro-batches per optimizer step", default: 1, min: 1 }),
  numTrainEpochs: number({ help: "passes over the data", default: 3, min: 0, above: true }),
  maxSteps: integer({ help: "optimizer steps; above 0 it wins over --num-train-epochs", default: -1, min: -1 }),
  maxLength: integer({ help: "tokens per sequence; 0 or null: no limit", default: 1024, min: 0, whenNull: 0 }),
  weightDecay: number({ help: "decoupled weight decay, not on norms and biases", default: 0, min: 0 }),
  adamBeta1: number({ help: "decay of the first moment", default: 0.9, min: 0, max: 1 }),
  adamBeta2: number({ help: "decay of the second moment", default: 0.999, min: 0, max: 1 }),
  adamEpsilon: number({ help: "added to the root of the second moment", default: 1e-8, min: 0 }),
  maxGradNorm: number({ help: "gradient clipping; 0: off", default: 1, min: 0 }),
  seed: integer({ help: "order of the rows, and the fresh adapter", default: 42, min: 0 }),
  trainSamplingStrategy: choice({
    help: "order of the rows in each epoch",
    choices: ["random", "sequential"],
    default: "random",
  }),
  gradientCheckpointing: toggle({ help: "less memory, a third more time, the same bits" }),
  fp16: toggle({ help: "large products of half floats on the GPU's matrix units; sums and weights stay float32" }),
};

/** Low-rank adapters, in PEFT's names. */
export const adapterFlags = {
  loraR: integer({ help: "train a low-rank adapter of this rank instead of all weights", min: 1 }),
  loraAlpha: number({ help: "scale of the adapter [32]", min: 0, above: true }),
  loraTargetModules: texts({ help: "all-linear, or names such as q_proj,v_proj [all-linear]", placeholder: "NAMES" }),
  loraDropout: number({ help: "share of the adapter's inputs dropped in sft [0]; off in dpo, as in TRL", min: 0, max: 0.999 }),
  initAdapter: text({ help: "go on with the PEFT adapter of this folder", placeholder: "DIR" }),
  dtype: choice({ help: "base weights; bf16 and nf4 (QLoRA) under an adapter", choices: ["f32", "bf16", "nf4"], default: "f32" }),
};

/** What happens between steps. */
export const monitoringFlags = {
  profile: toggle({ help: "time every kernel and print a table at the end; the run itself is slower" }),
  saveSteps: integer({ help: "steps between checkpoints; 0: none", default: 500, min: 0 }),
  evalData: text({ help: "held-out rows, as --data", placeholder: "FILE|ID" }),
  evalSteps: integer({ help: "steps between evaluations; without it once, at the end", min: 1 }),
  perDeviceEvalBatchSize: integer({ help: "rows or pairs per batch of an evaluation", default: 8, min: 1 }),
  saveTotalLimit: integer({ help: "checkpoints that stay, the newest and the best always [all]", min: 1 }),
  loadBestModelAtEnd: toggle({ help: "save at each best evaluation; the final model is that of the best" }),
  metricForBestModel: text({ help: "what evaluations are compared by", default: "eval_loss", placeholder: "NAME" }),
  greaterIsBetter: openToggle({ help: "more of that metric is better [unless its name ends with loss]" }),
  earlyStoppingPatience: integer({ help: "end after so many evaluations without an improvement [never]", min: 1 }),
  earlyStoppingThreshold: number({ help: "what an improvement must exceed", default: 0, min: 0 }),
  lossLimit: number({ help: "end where a step's loss is above it; 0: never [20 times the first loss, or 20]", min: 0 }),
  samplePrompts: text({
    help: "prompts that the model answers as it learns, into samples.jsonl [with --sample-steps: those of --eval-data]",
    placeholder: "FILE|ID",
  }),
  sampleSteps: integer({ help: "steps between samples; the first and last state are sampled always", min: 1 }),
  sampleNumPrompts: integer({ help: "the first so many of those prompts", default: 8, min: 1 }),
  sampleMaxTokens: integer({ help: "most tokens of a sample", default: 128, min: 1 }),
  sampleTemperature: number({ help: "0: the likeliest token; else drawn, the same draws at every step", default: 0, min: 0 }),
  reportTo: choice({ help: "tensorboard: event files in --output, too", choices: ["none", "tensorboard"], default: "none" }),
};

export const trainingFlags = { ...sourceFlags, ...optimizationFlags, ...adapterFlags, ...monitoringFlags };
