import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { blocksOf, pages, root } from "../../../tests/documentation/markdown-blocks.ts";
import { findCommand } from "../src/commands/find-command.ts";
import { commonFlags, flagValues, readArguments } from "../src/flags/read-arguments.ts";

// What the pages tell a reader to type is what the command takes.

interface Line {
  place: string;
  text: string;
}

/** The lines of shell blocks, comments gone and continued lines joined. */
const lines: Line[] = pages()
  .flatMap(blocksOf)
  .filter(({ language }) => ["", "sh", "bash", "console"].includes(language))
  .flatMap(({ page, line, text }) =>
    text
      .replaceAll(/\\\n\s*/g, "")
      .split("\n")
      .map((each, i) => ({ place: `${page}:${line + 1 + i}`, text: each.replace(/(^|\s)#.*$/, "").trim() })),
  );

/** Every `zephyr ...` of a line, to the next `&&` or pipe. */
const typed = ({ text }: Line): string[][] =>
  [...text.matchAll(/(?:^|&& |[A-Z_]+=\S+ )(?:npx )?zephyr ([^&|>]+)/g)].map(([, rest]) => rest!.trim().split(/\s+/));

it("every command line of the documentation is one that is taken", async () => {
  const seen = new Set<string>();
  for (const line of lines) {
    for (const words of typed(line)) {
      if (words[0]!.startsWith("--") || words[0] === "COMMAND") continue;
      const { name, command, rest } = await findCommand(words).catch((error) => expect.fail(`${line.place}: ${error.message}`));
      seen.add(name);
      try {
        const { given, positionals } = readArguments(rest, { ...commonFlags, ...command.flags });
        // A last place such as RUN... takes any number.
        const { length } = command.arguments ?? [];
        const isEnough = command.arguments?.at(-1)?.endsWith("...")
          ? positionals.length >= length
          : positionals.length === length;
        expect(isEnough, `${line.place}: ${positionals}`).toBe(true);
        // What --config would hold is not asked for here.
        if (!given.has("config")) flagValues(command.flags, given);
        for (const [flag, value] of given) command.flags[flag]?.parse(value, flag);
      } catch (error) {
        expect.fail(`${line.place}: ${line.text}: ${(error as Error).message}`);
      }
    }
  }
  expect(seen.size).toBeGreaterThan(8);
});

it("every npm script of the documentation exists, and every package", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> };
  const text = lines.map((line) => line.text).join("\n");
  const named = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, script]) => script!);
  expect(named.filter((script) => scripts[script] === undefined)).toEqual([]);
  const packages = [...text.matchAll(/npm (?:i|install) ((?:@zephyr\/[\w-]+ ?)+)/g)].flatMap(([, list]) =>
    list!.trim().split(" "),
  );
  expect(packages.length).toBeGreaterThan(3);
  for (const name of packages)
    expect(JSON.parse(readFileSync(join(root, "packages", name.slice("@zephyr/".length), "package.json"), "utf8")).name).toBe(
      name,
    );
});
