import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pipe, type Rows, toPreferenceRows, type UntypedRow, writeRows } from "@zephyr/data";
import { usageError } from "../errors/usage-error.ts";
import { accelerateConfig, defined, dpoConfig, sftConfig, sharedConfig } from "../export/trl-config.ts";
import { choice, type FlagTable, type FlagValues, integer, number } from "../flags/flag.ts";
import { yamlText } from "../flags/yaml-text.ts";
import { chatTemplateText, TEMPLATE_FILE } from "../models/chat-template.ts";
import { dataSource } from "../models/sources.ts";
import { checkTrainingFlags } from "../training/training-settings.ts";
import { command } from "./command.ts";
import { dpoFlags } from "./dpo.ts";
import { sftFlags } from "./sft.ts";

const flagTable = {
  ...sftFlags,
  ...dpoFlags,
  learningRate: number({ help: "peak learning rate [2e-5 for sft, 1e-6 for dpo]", min: 0 }),
  method: choice({ help: "the stage that goes on in TRL", choices: ["sft", "dpo"], required: true }),
  sharding: choice({ help: "how model and optimizer are spread over GPUs", choices: ["fsdp", "zero3"], default: "fsdp" }),
  numProcesses: integer({ help: "GPUs", default: 8, min: 1 }),
} satisfies FlagTable;

/** `zephyr export trl`: the same stage, for more GPUs than one. */
export const exportTrl = command({
  description:
    "Writes a stage for TRL and accelerate: DIR/data/*.parquet, DIR/trl.yaml and DIR/accelerate.yaml, from the flags of sft or dpo. bf16 and gradient checkpointing are on there.",
  flags: flagTable,
  graceful: true,
  async run({ flags }) {
    const { method, output, overwrite } = flags;
    checkTrainingFlags(flags);
    if (existsSync(output) && readdirSync(output).length > 0 && !overwrite)
      throw usageError(`--output ${output} is not empty; pass --overwrite to replace what is in it`);
    const template = flags.chatTemplatePath === undefined ? undefined : chatTemplateText(flags.chatTemplatePath);
    if (template !== undefined && method === "dpo")
      throw usageError("--chat-template-path is given, but TRL's dpo takes the model's own template; put one into its folder");
    const source = await dataSource(flags.data, "--data", flags.datasetTrainSplit);
    const held =
      flags.evalData === undefined ? undefined : await dataSource(flags.evalData, "--eval-data", flags.datasetTestSplit);
    const data = join(output, "data");
    mkdirSync(data, { recursive: true });
    const rows = { train: await writeRows(join(data, "train.parquet"), forTrl(source.rows, method)) };
    const test = held && (await writeRows(join(data, "test.parquet"), forTrl(held.rows, method)));
    const shared: FlagValues<typeof sftFlags> = {
      ...flags,
      learningRate: flags.learningRate ?? (method === "sft" ? 2e-5 : 1e-6),
    };
    const paths = { data: resolve(data), output: resolve(output, "run"), hasEval: test !== undefined };
    const templateFile = template === undefined ? undefined : resolve(output, TEMPLATE_FILE);
    if (templateFile !== undefined) writeFileSync(templateFile, template!);
    const own = method === "sft" ? sftConfig(shared, templateFile) : dpoConfig(flags);
    const config = { ...sharedConfig(shared, paths), ...own };
    const files = { trl: join(output, "trl.yaml"), accelerate: join(output, "accelerate.yaml") };
    writeFileSync(files.trl, yamlText(defined(config)));
    writeFileSync(files.accelerate, yamlText(accelerateConfig(flags.sharding, flags.numProcesses)));
    const start = `trl ${method} --config ${files.trl} --accelerate_config ${files.accelerate}`;
    return {
      result: { output, rows: { train: rows.train.count, test: test?.count ?? 0 }, ...files, command: start },
      lines: [start],
    };
  },
});

/** Rows as TRL reads them from Parquet: pairs in the explicit form, everything else as it is. */
function forTrl(rows: Rows<UntypedRow>, method: "sft" | "dpo"): AsyncIterable<UntypedRow> {
  return method === "sft" ? rows : pipe(rows, toPreferenceRows());
}
