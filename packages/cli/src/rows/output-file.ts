import { existsSync, statSync } from "node:fs";
import { usageError } from "../errors/usage-error.ts";
import { text, toggle } from "../flags/flag.ts";

/** A command from rows to rows. */
export const rowFlags = {
  input: text({ help: "rows to read: .jsonl, .json, .parquet (also .gz, .zst)", placeholder: "FILE", required: true }),
  output: text({ help: "file to write, in the format of its ending", placeholder: "FILE", required: true }),
  overwrite: toggle({ help: "replace --output if it exists" }),
};

/** Throws a usage error when the output exists and may not be replaced. */
export function checkOutput(path: string, overwrite: boolean): void {
  if (!overwrite && existsSync(path))
    throw usageError(`--output ${path} exists; pass --overwrite to replace it, or choose another name`);
}

/** Throws a usage error when a file to be read is not there. */
export function checkInput(path: string, flag: string): void {
  if (!existsSync(path)) throw usageError(`${flag} ${path} does not exist; give a file of rows`);
  if (statSync(path).isDirectory()) throw usageError(`${flag} ${path} is a folder; give a file of rows`);
}
