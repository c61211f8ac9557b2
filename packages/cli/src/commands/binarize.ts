import { type BinarizeReport, binarize as binarizeRows, type PresetName, presetNames } from "@zephyr/binarize";
import { pipe, readRows, type UntypedRow, writeRows } from "@zephyr/data";
import { choice, integer, number, text } from "../flags/flag.ts";
import { untilInterrupted } from "../interrupt/interrupt.ts";
import { checkInput, checkOutput, rowFlags } from "../rows/output-file.ts";
import { writeJson } from "../training/run-folder.ts";
import { command } from "./command.ts";

/** `zephyr binarize`: rated completions to preference pairs. */
export const binarize = command({
  description: "Rated rows to preference rows by a published rule; OUTPUT.report.json tells what was dropped and why.",
  flags: {
    ...rowFlags,
    preset: text({ help: presetNames.join(", "), placeholder: "NAME", required: true }),
    seed: integer({ help: "draws depend on it and on each row's prompt_id", default: 0 }),
    format: choice({ help: "spelling of the pairs", choices: ["trl", "h4"] }),
    score: choice({ help: "score of presets that nobody published", choices: ["mean", "overall"] }),
    margin: number({ help: "least difference of scores, for --preset margin" }),
    threshold: number({ help: "score from which --preset unpaired says true" }),
    onBadRating: choice({ help: "a rating that is missing or off its scale", choices: ["error", "drop"], default: "error" }),
  },
  graceful: true,
  async run({ flags, interrupt }) {
    const { input, output, overwrite, preset, seed, ...options } = flags;
    let report: BinarizeReport | undefined;
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    const rule = binarizeRows({ preset: preset as PresetName, seed, ...given, onReport: (latest) => (report = latest) });
    checkInput(input, "--input");
    checkOutput(output, overwrite);
    const { count } = await writeRows(output, pipe(readRows(input), untilInterrupted<UntypedRow>(interrupt), rule));
    writeJson(`${output}.report.json`, report);
    const { rows, dropped } = report!;
    const drops = Object.entries(dropped).map(([reason, { count: n }]) => `${n} dropped (${reason})`);
    return {
      result: { output, ...report },
      lines: [`${output}: ${count} rows from ${rows}${drops.length > 0 ? `, ${drops.join(", ")}` : ""}`],
    };
  },
});
