import { loadCommands } from "../commands/find-command.ts";
import type { FlagTable } from "../flags/flag.ts";
import { commonFlags } from "../flags/read-arguments.ts";
import { kebab } from "../flags/spelling.ts";

/** A flag as a shell completes it. */
export interface FlagWord {
  /** With its two dashes. */
  name: string;
  help: string;
  /** The words that it takes; empty: anything, such as a path; undefined: no value. */
  values: readonly string[] | undefined;
}

/** A command as a shell completes it; `name` may be two words. */
export interface CommandWords {
  name: string;
  summary: string;
  flags: readonly FlagWord[];
}

/** Every command with its flags, from the tables that read the command line. */
export async function commandWords(): Promise<CommandWords[]> {
  const commands = await loadCommands();
  return [...commands].map(([name, { summary, command }]) => ({
    name,
    summary,
    flags: flagWords({ ...command.flags, ...commonFlags, help: { help: "show the flags", placeholder: undefined } }),
  }));
}

function flagWords(table: Record<string, Pick<FlagTable[string], "help" | "placeholder">>): FlagWord[] {
  return Object.entries(table).map(([name, { help, placeholder }]) => {
    const words = placeholder?.split("|") ?? [];
    // A choice is written as its words; DIR|ID stands for something else.
    const isChoice = words.length > 1 && words.every((word) => word !== word.toUpperCase());
    return { name: `--${kebab(name)}`, help, values: placeholder === undefined ? undefined : isChoice ? words : [] };
  });
}
