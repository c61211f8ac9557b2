import { writeFileSync } from "node:fs";
import { usageError } from "../errors/usage-error.ts";
import { readConfigFile } from "../flags/config-file.ts";
import { text, toggle } from "../flags/flag.ts";
import { flagValues, readConfig } from "../flags/read-arguments.ts";
import { yamlText } from "../flags/yaml-text.ts";
import { importHandbook } from "../import/handbook.ts";
import { checkOutput } from "../rows/output-file.ts";
import { command } from "./command.ts";
import { dpoFlags } from "./dpo.ts";
import { sftFlags } from "./sft.ts";

/** `zephyr import handbook.yaml`: a recipe of the alignment handbook as a config. */
export const importRecipe = command({
  arguments: ["FILE"],
  description:
    "Translates an alignment-handbook recipe (YAML) into a --config of sft or dpo, and says what could not be carried over.",
  flags: {
    output: text({ help: "the config to write", placeholder: "FILE", required: true }),
    overwrite: toggle({ help: "replace --output if it exists" }),
  },
  async run({ flags, positionals, reporter }) {
    const [file] = positionals;
    checkOutput(flags.output, flags.overwrite);
    const recipe = await readConfigFile(file!);
    if (!("model_name_or_path" in recipe))
      throw usageError(`${file} has no model_name_or_path; give an SFT or DPO recipe of the alignment handbook`);
    const { command: name, settings, notes, notNeeded } = importHandbook(recipe);
    const table = name === "sft" ? sftFlags : dpoFlags;
    // What is written must be readable: a value that no flag takes is found here, not at the start of a run.
    flagValues(table, readConfig({ output: "run", ...settings }, file!, table));
    const told = [...notes, ...(notNeeded.length > 0 ? [`not needed here: ${notNeeded.join("; ")}`] : [])];
    // One line each: a value of the recipe must not end a comment.
    const comments = told.map((line) => `# ${line.replaceAll(/\s+/g, " ")}\n`);
    writeFileSync(flags.output, `# zephyr ${name} --config ${flags.output}\n${comments.join("")}${yamlText(settings)}`);
    for (const line of told) reporter.note(line);
    return {
      result: { command: name, output: flags.output, settings, notes, not_needed: notNeeded },
      lines: [`zephyr ${name} --config ${flags.output}`],
    };
  },
});
