import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { dpoFlags } from "../../packages/cli/src/commands/dpo.ts";
import { sftFlags } from "../../packages/cli/src/commands/sft.ts";
import { snake } from "../../packages/cli/src/flags/spelling.ts";
import { root } from "./markdown-blocks.ts";

const page = readFileSync(join(root, "docs/migration.md"), "utf8");
const rows = [...page.slice(page.indexOf("## Keys of a config")).matchAll(/^\| (`.*) \| (.*) \|$/gm)].map(
  ([, theirs, ours]) => [theirs!, ours!] as const,
);
const keys = new Set(Object.keys({ ...sftFlags, ...dpoFlags }).map(snake));
const named = (cell: string): string[] => [...cell.matchAll(/`([a-z_0-9]+)(?::[^`]*)?`/g)].map(([, key]) => key!);

it("docs/migration.md: what is said to be the same is a key here, and what has another name has that one", () => {
  expect(rows.length).toBeGreaterThan(15);
  for (const [theirs, ours] of rows) {
    if (ours.startsWith("the same")) expect(named(theirs).filter((key) => !keys.has(key) && key !== "use_peft")).toEqual([]);
    else if (/^`/.test(ours)) expect(keys.has(named(ours)[0]!), ours).toBe(true);
  }
});

it("every key of training is on the page", () => {
  const ownWords = new Set([
    "resume",
    "report_to",
    "reference",
    "init_adapter",
    "simpo_gamma",
    "cpo_alpha",
    "profile",
    "loss_limit",
  ]);
  const told = new Set(named(page));
  expect([...keys].filter((key) => !told.has(key) && !ownWords.has(key))).toEqual([]);
});
