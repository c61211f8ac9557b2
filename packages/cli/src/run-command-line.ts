import { readFile } from "node:fs/promises";
import type { Command, Outcome } from "./commands/command.ts";
import { commandNames, findCommand } from "./commands/find-command.ts";
import { errorText, exitCodeOf } from "./errors/exit-code.ts";
import { usageError } from "./errors/usage-error.ts";
import { readConfigFile } from "./flags/config-file.ts";
import { commandHelp, mainHelp } from "./flags/help.ts";
import { commonFlags, flagValues, readArguments, readConfig } from "./flags/read-arguments.ts";
import { showsColour } from "./inspect/render-mask.ts";
import { listenForInterrupts } from "./interrupt/interrupt.ts";
import { createReporter, type ProgressStream } from "./progress/progress.ts";

/** Where a run of the command line reads from and writes to. */
export interface Surroundings {
  env: Record<string, string | undefined>;
  stdout: { write(text: string): unknown; isTTY?: boolean | undefined };
  stderr: ProgressStream;
  /** Ends the process at once; called by a second Ctrl-C. */
  leave: (code: number) => void;
}

/**
 * Runs the command that `argv` names and returns its exit code: 0 success, 1 failure, 2 bad arguments, 130 interrupted.
 *
 * @example process.exitCode = await runCommandLine(process.argv.slice(2), { ...process, leave: process.exit });
 */
export async function runCommandLine(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  const { stdout, stderr } = surroundings;
  const debug = argv.includes("--debug");
  try {
    const [first] = argv;
    if (first === "--version" || first === "-v" || first === "-V") {
      stdout.write(`${await version()}\n`);
      return 0;
    }
    if (first === undefined || first === "--help" || first === "-h" || (first === "help" && argv.length === 1)) {
      (first === undefined ? stderr : stdout).write(mainHelp(await version(), commandNames));
      return first === undefined ? 2 : 0;
    }
    const found = await findCommand(first === "help" ? argv.slice(1) : argv);
    const asksForHelp = first === "help" || found.rest.some((argument) => argument === "--help" || argument === "-h");
    if (asksForHelp) {
      stdout.write(commandHelp(found.name, found.command));
      return 0;
    }
    return await run(found.command, found.rest, surroundings);
  } catch (error) {
    const code = exitCodeOf(error);
    if (argv.includes("--json")) stdout.write(`${JSON.stringify({ error: errorText(error, false), exit_code: code })}\n`);
    stderr.write(`${code === 130 ? "" : "zephyr: "}${errorText(error, debug)}\n`);
    return code;
  }
}

async function run(command: Command, argv: readonly string[], { env, stdout, stderr, leave }: Surroundings): Promise<number> {
  const table = { ...commonFlags, ...command.flags };
  const { given, positionals } = readArguments(argv, table);
  const { config: file, json } = flagValues(commonFlags, given);
  const others: Record<string, unknown> = {};
  const configured = file === undefined ? undefined : await readConfigFile(file);
  const config = configured && readConfig(configured, file!, table, command.ownConfig ? others : undefined);
  const flags = flagValues(command.flags, given, config);
  checkPositionals(positionals, command.arguments ?? []);
  const reporter = createReporter(stderr, env);
  using interrupt = listenForInterrupts({ gracefully: command.graceful === true, leave: () => leave(130) });
  const colour = showsColour(stdout, env);
  const outcome = await command.run({ flags, positionals, config: others, configFile: file, reporter, interrupt, colour });
  print(outcome, json, stdout);
  return outcome.exitCode ?? 0;
}

/** A last name with three dots, such as `RUN...`, stands for one or more. */
function checkPositionals(positionals: readonly string[], expected: readonly string[]): void {
  const missing = expected[positionals.length];
  if (missing !== undefined) throw usageError(`${missing} is missing; \`--help\` shows how the command is written`);
  const extra = expected.at(-1)?.endsWith("...") ? undefined : positionals[expected.length];
  if (extra !== undefined)
    throw usageError(`unexpected argument ${JSON.stringify(extra)}; \`--help\` shows how the command is written`);
}

function print({ result, lines }: Outcome, json: boolean, stdout: Surroundings["stdout"]): void {
  if (json) stdout.write(`${JSON.stringify(result)}\n`);
  else if (lines.length > 0) stdout.write(`${lines.join("\n")}\n`);
}

async function version(): Promise<string> {
  const manifest = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
  return manifest.version;
}
