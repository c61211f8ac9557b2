import { mergeAdapter, savePolicy } from "@zephyr/train-webgpu";
import { text, toggle } from "../flags/flag.ts";
import { openModel } from "../models/open-policy.ts";
import { checkOutput } from "../rows/output-file.ts";
import { command } from "./command.ts";

/** `zephyr merge`: adapter into base. */
export const merge = command({
  description: "Folds a PEFT adapter into its base model's weights and saves the whole model.",
  flags: {
    model: text({ help: "the base model's folder, or id on the Hub", placeholder: "DIR|ID", required: true }),
    adapter: text({ help: "the adapter's folder", placeholder: "DIR", required: true }),
    output: text({ help: "folder of the merged model", placeholder: "DIR", required: true }),
    overwrite: toggle({ help: "replace the model in --output" }),
  },
  async run({ flags, reporter }) {
    checkOutput(flags.output, flags.overwrite);
    using opened = await openModel(flags, reporter);
    using merged = await mergeAdapter(opened.policy);
    await savePolicy(merged, flags.output);
    return { result: { output: flags.output }, lines: [flags.output] };
  },
});
