import { existsSync, renameSync, statSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { report as reportPage } from "@zephyr/eval";
import { usageError } from "../errors/usage-error.ts";
import { text } from "../flags/flag.ts";
import { reportOfRun } from "../report/report-of-run.ts";
import { readRun } from "../report/run-contents.ts";
import { command } from "./command.ts";

/** `zephyr report`: one page that shows a run. */
export const report = command({
  arguments: ["DIR"],
  description:
    "Writes DIR/report.html, one self-contained page: training curves and evaluations found in DIR and below it, the paper's numbers beside them.",
  flags: { title: text({ help: "heading of the page [the folder's name]", placeholder: "TEXT" }) },
  async run({ flags, positionals }) {
    const folder = positionals[0]!;
    if (!existsSync(folder) || !statSync(folder).isDirectory())
      throw usageError(`${folder} is no folder; give the folder of a run`);
    const run = await readRun(folder);
    const { logs, preferences, alpaca, mtBench, harness, recipe } = run;
    const parts = logs.length + preferences.length + alpaca.length + mtBench.length + harness.length + (recipe ? 1 : 0);
    if (parts === 0)
      throw new Error(`report: ${folder} holds nothing to show; give the output of sft, dpo, align or an evaluation`);
    const path = join(folder, "report.html");
    writeFileSync(`${path}.partial`, reportPage(reportOfRun(flags.title ?? basename(resolve(folder)), run)));
    renameSync(`${path}.partial`, path);
    return { result: { report: path }, lines: [path] };
  },
});
