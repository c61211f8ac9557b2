import type { FlagTable, FlagValues } from "../flags/flag.ts";
import type { Interrupt } from "../interrupt/interrupt.ts";
import type { Reporter } from "../progress/progress.ts";

/** What a command is given. */
export interface Invocation<T extends FlagTable> {
  flags: FlagValues<T>;
  positionals: string[];
  /** Keys of the config file that are no flags, for a command that has a config of its own. */
  config: Record<string, unknown>;
  /** The config file's path, if one was given. */
  configFile: string | undefined;
  reporter: Reporter;
  interrupt: Interrupt;
  /** Whether what is printed on stdout may be coloured. */
  colour: boolean;
}

/** What a command found: one JSON object, and the same for people. */
export interface Outcome {
  result: object;
  lines: string[];
  /** 0 unless only part of the work could be done. */
  exitCode?: number;
}

/** A command of the terminal: its flags, and glue to the package that does the work. */
export interface Command<T extends FlagTable = FlagTable> {
  /** What stands behind the name: `PATH`. */
  arguments?: readonly string[];
  /** One or two sentences. */
  description: string;
  flags: T;
  /** Keys of a config file that are no flags go to the command instead of being refused. */
  ownConfig?: boolean;
  /** Looks at the interrupt itself; any other command ends at the first Ctrl-C. */
  graceful?: boolean;
  run(invocation: Invocation<T>): Promise<Outcome>;
}

/** Gives a command's `run` the types of its flags. */
export function command<const T extends FlagTable>(definition: Command<T>): Command<T> {
  return definition;
}
