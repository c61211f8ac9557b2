import type { Command } from "../commands/command.ts";
import { EXAMPLES } from "../commands/examples.ts";
import type { FlagTable } from "./flag.ts";
import { commonFlags } from "./read-arguments.ts";
import { kebab } from "./spelling.ts";

/** The flags of a table, one a line, with their defaults. */
export function flagLines(table: FlagTable): string[] {
  const heads = Object.entries(table).map(([name, { placeholder }]) =>
    placeholder === undefined ? `--${kebab(name)}` : `--${kebab(name)} ${placeholder}`,
  );
  const width = Math.min(34, Math.max(...heads.map((head) => head.length)));
  return Object.values(table).map(({ help, fallback, required }, i) => {
    const note = required ? " (required)" : fallback === undefined || fallback === false ? "" : ` [${String(fallback)}]`;
    const head = heads[i]!;
    const gap = head.length > width ? `\n  ${" ".repeat(width)}` : " ".repeat(width - head.length);
    return `  ${head}${gap}  ${help}${note}`;
  });
}

/** What `zephyr --help` prints. */
export function mainHelp(version: string, commands: ReadonlyMap<string, { summary: string }>): string {
  const width = Math.max(...[...commands.keys()].map((name) => name.length));
  const lines = [...commands].map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return [
    `zephyr ${version}: the Zephyr alignment recipe, from dialogues to evaluation`,
    "",
    "zephyr COMMAND [flags]",
    "",
    ...lines,
    "",
    "`zephyr COMMAND --help` shows a command's flags. All take --config FILE, --json and --debug.",
    "Exit code: 0 success, 1 failure, 2 bad arguments, 130 interrupted (go on with --resume).",
    "",
  ].join("\n");
}

/** What `zephyr COMMAND --help` prints. */
export function commandHelp(name: string, command: Command): string {
  const usage = ["zephyr", name, ...(command.arguments ?? []), "[flags]"].join(" ");
  const own = Object.keys(command.flags).length === 0 ? [] : [...flagLines(command.flags), ""];
  const examples = ["Examples:", ...(EXAMPLES[name] ?? []).map((line) => `  ${line}`)];
  return [usage, "", command.description, "", ...own, "Common flags:", ...flagLines(commonFlags), "", ...examples, ""].join("\n");
}
