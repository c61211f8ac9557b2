import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "../..");

/** A fenced block of a page. */
export interface Block {
  /** The page, from the root of the repository. */
  page: string;
  /** The line of the opening fence. */
  line: number;
  language: string;
  /** What stands behind the language: `no-run`. */
  note: string;
  /** Code that a reader is spared, from `<!-- snippet: CODE -->` on the line before the fence. */
  before: string;
  text: string;
}

/** Every page that a user reads. */
export const pages = (): string[] =>
  ["*.md", "docs/**/*.md", "packages/*/README.md", "examples/**/*.md", "recipes/**/*.md", "benchmarks/**/*.md"]
    .flatMap((pattern) => globSync(pattern, { cwd: root, exclude: (path) => path.includes("node_modules") }))
    .sort();

/** The fenced blocks of a page, in their order. */
export function blocksOf(page: string): Block[] {
  const lines = readFileSync(join(root, page), "utf8").split("\n");
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at++) {
    const fence = /^```(\w*) ?(.*)$/.exec(lines[at]!);
    if (!fence) continue;
    const end = lines.indexOf("```", at + 1);
    if (end < 0) throw new Error(`blocksOf: ${page}:${at + 1} opens a block that nothing closes; add the fence`);
    const before = /^<!-- snippet: (.*) -->$/.exec(lines[at - 1] ?? "")?.[1] ?? "";
    blocks.push({ page, line: at + 1, language: fence[1]!, note: fence[2]!, before, text: lines.slice(at + 1, end).join("\n") });
    at = end;
  }
  return blocks;
}
