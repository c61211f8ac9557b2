import { existsSync, statSync } from "node:fs";
import { loadTokenizer } from "@zephyr/data";
import { usageError } from "../errors/usage-error.ts";
import { integer, text, toggle } from "../flags/flag.ts";
import { type DataInspection, inspectData } from "../inspect/inspect-data.ts";
import { inspectModel, type MemoryPlan, type ModelInspection } from "../inspect/inspect-model.ts";
import { maskLegend, renderMask } from "../inspect/render-mask.ts";
import { command } from "./command.ts";

/** `zephyr inspect`: what a data file or a model folder holds. */
export const inspect = command({
  arguments: ["PATH"],
  description:
    "What a data file holds (rows, columns, lengths, a row rendered as the model sees it: what is learnt in green, or in [[brackets]] where there is no colour) or a model folder (shape, tokenizer, memory that training keeps on the device).",
  flags: {
    tokenizer: text({ help: "model folder whose tokenizer and template render the rows", placeholder: "DIR" }),
    row: integer({ help: "which row is rendered, counted from 0", default: 0, min: 0 }),
    completionOnlyLoss: toggle({
      help: "as in sft: only the completion of prompt and completion rows is learnt",
      default: true,
    }),
    assistantOnlyLoss: toggle({ help: "as in sft: only what the assistant says is learnt" }),
    loraR: integer({ help: "rank of the adapter whose memory is shown", default: 16, min: 1 }),
  },
  async run({ flags, positionals, colour }) {
    const path = positionals[0]!;
    if (!existsSync(path)) throw usageError(`${path} does not exist; give a data file or a model folder`);
    if (statSync(path).isDirectory()) {
      const model = await inspectModel(path, flags.loraR);
      return { result: model, lines: modelLines(model, flags.loraR) };
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
