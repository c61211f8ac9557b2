import { readFile } from "node:fs/promises";
import {
  type BinarizeReport,
  binarize as binarizeRows,
  dropTruthfulQa,
  type PresetName,
  presetNames,
  repairOverallScores,
  reportTable,
  type ScoreRepairReport,
  type TruthfulQaReport,
} from "@zephyr/binarize";
import { benchmarkPrompts, collectRows, readRows, type UntypedRow, writeRows } from "@zephyr/data";
import { choice, type FlagValues, integer, number, optionalText, text, toggle } from "../flags/flag.ts";
import { untilInterrupted } from "../interrupt/interrupt.ts";
import { checkInput, checkOutput, rowFlags } from "../rows/output-file.ts";
import { keepHeapSmall } from "../rows/small-heap.ts";
import { writeJson } from "../training/run-folder.ts";
import { command } from "./command.ts";

const flagTable = {
  ...rowFlags,
  preset: text({ help: presetNames.join(", "), placeholder: "NAME", required: true }),
  seed: integer({ help: "draws depend on it and on each row's prompt_id", default: 0 }),
  format: choice({ help: "spelling of the pairs", choices: ["trl", "h4"] }),
  score: choice({ help: "score of presets that nobody published", choices: ["mean", "overall"] }),
  margin: number({ help: "least difference of scores, for --preset margin" }),
  threshold: number({ help: "score from which --preset unpaired says true" }),
  onBadRating: choice({ help: "a rating that is missing or off its scale", choices: ["error", "drop"], default: "error" }),
  repairOverallScores: toggle({ help: "set UltraFeedback's false 10s back to 1, take those away where nothing can tell" }),
  dropTruthfulQa: optionalText({
    help: "drop rows made from TruthfulQA, and rows of any source with the same prompt; FILE: the questions",
    placeholder: "FILE",
  }),
};

interface UpstreamReports {
  repair?: ScoreRepairReport;
  truthful_qa?: TruthfulQaReport;
}

/** `zephyr binarize`: rated completions to preference pairs. */
export const binarize = command({
  description: "Rated rows to preference rows by a published rule; OUTPUT.report.json tells what was dropped and why.",
  flags: flagTable,
  graceful: true,
  async run({ flags, interrupt }) {
    const { input, output, overwrite, preset, seed, repairOverallScores: _, dropTruthfulQa: __, ...options } = flags;
    let report: BinarizeReport | undefined;
    const upstream: UpstreamReports = {};
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    const rule = binarizeRows({ preset: preset as PresetName, seed, ...given, onReport: (latest) => (report = latest) });
    checkInput(input, "--input");
    checkOutput(output, overwrite);
    keepHeapSmall();
    const source = untilInterrupted<UntypedRow>(interrupt)(readRows(input));
    const { count } = await writeRows(output, rule(await repaired(source, flags, upstream)));
    writeJson(`${output}.report.json`, { ...report, ...upstream });
    return {
      result: { output, ...report, ...upstream },
      lines: [reportTable(report!), ...upstreamLines(upstream), `\n${output}: ${count} rows`],
    };
  },
});

/** The rows without the known faults of UltraFeedback, as far as asked for. */
async function repaired(
  rows: AsyncIterable<UntypedRow>,
  flags: FlagValues<typeof flagTable>,
  reports: UpstreamReports,
): Promise<AsyncIterable<UntypedRow>> {
  const { dropTruthfulQa: questionsFile } = flags;
  let result = rows;
  if (questionsFile !== undefined) {
    const questions = questionsFile === true ? undefined : await questionsOf(questionsFile);
    result = dropTruthfulQa({ ...(questions && { questions }), onReport: (report) => (reports.truthful_qa = report) })(result);
  }
  if (flags.repairOverallScores) result = repairOverallScores({ onReport: (report) => (reports.repair = report) })(result);
  return result;
}

/** The questions of a file with one per line, or of rows in any of the known forms. */
async function questionsOf(file: string): Promise<string[]> {
  checkInput(file, "--drop-truthful-qa");
  if (file.endsWith(".txt")) return (await readFile(file, "utf8")).split(/\r?\n/);
  return (await collectRows(readRows(file))).flatMap(benchmarkPrompts);
}

function upstreamLines({ repair, truthful_qa: dropped }: UpstreamReports): string[] {
  const lines: string[] = [];
  if (dropped) lines.push(`\nTruthfulQA: ${dropped.by_source} rows dropped by their source, ${dropped.leaked} by their prompt`);
  if (repair)
    lines.push(
      `\noverall scores of 10: ${repair.repaired} set back to 1, ${repair.kept} kept, ${repair.unclear} unclear and taken away`,
    );
  return lines;
}
