import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { loadTokenizer } from "@zephyr/data";
import { usageError } from "../errors/usage-error.ts";
import { choice, type FlagValues, integer, number, text, texts, toggle } from "../flags/flag.ts";
import { type DataInspection, inspectData } from "../inspect/inspect-data.ts";
import { inspectModel, type MemoryPlan, type ModelInspection } from "../inspect/inspect-model.ts";
import { gibibytes, inspectTraining, memoryParts, tooLarge } from "../inspect/inspect-training.ts";
import { maskLegend, renderMask } from "../inspect/render-mask.ts";
import { command, type Outcome } from "./command.ts";

const inspectFlags = {
  tokenizer: text({ help: "model folder whose tokenizer and template render the rows", placeholder: "DIR" }),
  row: integer({ help: "which row is rendered, counted from 0", default: 0, min: 0 }),
  completionOnlyLoss: toggle({ help: "as in sft: only the completion of prompt and completion rows is learnt", default: true }),
  assistantOnlyLoss: toggle({ help: "as in sft: only what the assistant says is learnt" }),
  train: choice({ help: "plan the memory of a training run of this model", choices: ["sft", "dpo"] }),
  loraR: integer({ help: "rank of the adapter whose memory is shown [16; with --train: all weights are trained]", min: 1 }),
  loraTargetModules: texts({ help: "with --train: all-linear, or names such as q_proj,v_proj", placeholder: "NAMES" }),
  dtype: choice({ help: "with --train: base weights", choices: ["f32", "bf16", "nf4"], default: "f32" }),
  perDeviceTrainBatchSize: integer({ help: "with --train: rows or pairs per micro-batch", default: 8, min: 1 }),
  maxLength: integer({ help: "with --train: tokens per sequence", default: 1024, min: 1 }),
  gradientCheckpointing: toggle({ help: "with --train: less memory, a third more time" }),
  fp16: toggle({ help: "with --train: large products on matrix units" }),
  deviceMemory: number({
    help: "with --train: GiB that the device has; a run that does not fit is exit code 1",
    min: 0,
    above: true,
  }),
};

/** `zephyr inspect`: what a data file or a model folder holds. */
export const inspect = command({
  arguments: ["PATH"],
  description:
    "What a data file holds (rows, columns, lengths, a row rendered as the model sees it: what is learnt in green, or in [[brackets]] where there is no colour) or a model folder (shape, tokenizer, memory that training keeps on the device).",
  flags: inspectFlags,
  async run({ flags, positionals, colour }) {
    const path = positionals[0]!;
    if (!existsSync(path)) throw usageError(`${path} does not exist; give a data file or a model folder`);
    if (statSync(path).isDirectory()) {
      if (!existsSync(join(path, "config.json")))
        throw usageError(`${path} has no config.json; give a model folder, or a data file`);
      if (flags.train !== undefined) return trainingPlan(path, flags.train, flags);
      const { loraR = 16 } = flags;
      const model = await inspectModel(path, loraR);
      return { result: model, lines: modelLines(model, loraR) };
    }
    const tokenizer = flags.tokenizer === undefined ? undefined : await loadTokenizer(flags.tokenizer);
    const data = await inspectData(path, tokenizer, { ...flags, maxLength: undefined });
    return { result: data, lines: dataLines(data, flags.row, colour) };
  },
});

function dataLines({ rows, kind, columns, lengths, rendered }: DataInspection, row: number, colour: boolean): string[] {
  const counts = Object.entries(columns).map(([name, count]) => (count === rows ? name : `${name} (${count} rows)`));
  return [
    `rows      ${rows}, ${kind}`,
    `columns   ${counts.join(", ")}`,
    ...(lengths
      ? [`${lengths.unit.padEnd(9)} ${lengths.min} to ${lengths.max}, median ${lengths.median}, 95% up to ${lengths.p95}`]
      : []),
    ...(rendered ?? []).flatMap(({ name, pieces }) => [
      "",
      `row ${row}, ${name} (${maskLegend(colour)}):`,
      renderMask(pieces, colour),
    ]),
  ];
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

function modelLines(model: ModelInspection, loraR: number): string[] {
  const { tokenizer, memory } = model;
  const planned = (name: string, plan: MemoryPlan): string =>
    `${name.padEnd(20)} ${mebibytes(plan.total_bytes)} = weights ${mebibytes(plan.weights_bytes)} + gradients ${mebibytes(plan.gradients_bytes)} + optimizer ${mebibytes(plan.optimizer_bytes)}`;
  return [
    `model     ${model.model_type}, ${model.parameters} parameters, ${model.layers} layers of ${model.hidden_size}, up to ${model.max_position_embeddings} positions`,
    `tokenizer ${tokenizer ? `${tokenizer.vocabulary} tokens, ${tokenizer.chat_template ? "with" : "without"} chat template` : "none"}`,
    "",
    "On the device while training, before activations:",
    planned("all weights", memory.full),
    planned(`adapter of rank ${loraR}`, memory.lora),
  ];
}

async function trainingPlan(folder: string, trainer: "sft" | "dpo", flags: FlagValues<typeof inspectFlags>): Promise<Outcome> {
  const { loraR: r, loraTargetModules: modules, dtype, deviceMemory } = flags;
  if (dtype !== "f32" && r === undefined)
    throw usageError(`--dtype ${dtype} keeps the base weights frozen; give --lora-r, or --dtype f32`);
  const everything = modules === undefined || (modules.length === 1 && modules[0] === "all-linear");
  const plan = await inspectTraining(
    folder,
    {
      batch: trainer === "sft" ? "sequences" : "pairs",
      batchSize: flags.perDeviceTrainBatchSize,
      maxLength: flags.maxLength,
      dtype,
      activationCheckpointing: flags.gradientCheckpointing,
      fp16: flags.fp16,
      ...(r !== undefined && { lora: { r, targetModules: everything ? "all-linear" : modules } }),
    },
    deviceMemory === undefined ? undefined : deviceMemory * 2 ** 30,
  );
  const { memory, fits, device_bytes, advice } = plan;
  const unit = trainer === "sft" ? "sequences" : "pairs";
  const lines = [
    `${trainer} of ${memory.trainedParameters} of ${memory.parameters} parameters, ${flags.perDeviceTrainBatchSize} ${unit} of up to ${flags.maxLength} tokens a micro-batch:`,
    ...memoryParts(memory).map(([name, bytes]) => `${name.padEnd(20)} ${gibibytes(bytes).padStart(12)}`),
    `${"together".padEnd(20)} ${gibibytes(memory.total).padStart(12)}`,
  ];
  if (fits === false) throw new RangeError(tooLarge(memory, device_bytes!, advice));
  return { result: plan, lines };
}
