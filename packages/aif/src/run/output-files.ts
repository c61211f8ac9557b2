import { appendFileSync, existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { RowFailure } from "../row-failure.ts";

/** The files that belong to one output. */
export interface OutputFiles {
  output: string;
  failed: string;
  journal: string;
  /** How it came to be, as Markdown. */
  card: string;
  /** Where the run stands, for those who watch it. */
  progress: string;
}

/** What stands behind an output's name in that of its progress file. */
export const PROGRESS_SUFFIX = ".progress.json";

export function outputFiles(output: string, journal: string | undefined): OutputFiles {
  return {
    output,
    failed: `${output}.failed.jsonl`,
    journal: journal ?? `${output}.journal`,
    card: `${output}.card.md`,
    progress: `${output}${PROGRESS_SUFFIX}`,
  };
}

/** Refuses to replace an output unless told to; throws an Error with code "EEXIST". `overwrite` forgets earlier answers, too. */
export function prepareOutput({ output, journal }: OutputFiles, { resume = false, overwrite = false }): void {
  if (existsSync(output) && !resume && !overwrite) {
    throw Object.assign(
      new Error(`${output} exists; pass --resume to complete it from its journal or --overwrite to start anew`),
      { code: "EEXIST" },
    );
  }
  if (overwrite && !resume && existsSync(journal)) rmSync(`${journal}/requests.log`, { force: true });
}

/** Rows that failed for good, one JSON line each; the file appears when the run is over. */
export interface FailedRows {
  add(failure: RowFailure): void;
  count(): number;
  /** Puts the file in place, or removes an older one when nothing failed. */
  publish(): void;
  discard(): void;
}

export function failedRows(path: string): FailedRows {
  const partial = `${path}.partial`;
  let count = 0;
  return {
    add({ row, kind, reason, model, raw, failures }) {
      if (count++ === 0) writeFileSync(partial, "");
      appendFileSync(partial, `${JSON.stringify({ ...row, kind, reason, model, raw_reply: raw ?? null, failures })}\n`);
    },
    count: () => count,
    publish() {
      if (count > 0) renameSync(partial, path);
      else rmSync(path, { force: true });
    },
    discard: () => rmSync(partial, { force: true }),
  };
}
