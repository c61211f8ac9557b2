import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { blocksOf, pages, root } from "./markdown-blocks.ts";

// Every block of TypeScript in the documentation: what it says is what the packages take, and what it prints.

const run = promisify(execFile);
const snippets = pages()
  .flatMap(blocksOf)
  .filter(({ language }) => language === "ts");
const nameOf = ({ page, line }: { page: string; line: number }): string => `${page}:${line}`;

// Inside the repository, where packages are found, and outside of node_modules, where Node reads no TypeScript. git ignores runs/.
const folder = join(root, "runs", `snippets-${process.pid}`);
mkdirSync(folder, { recursive: true });
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const fileOf = new Map(
  snippets.map((snippet) => {
    const file = `${nameOf(snippet).replaceAll(/[^\w]+/g, "-")}.ts`;
    // A page's relative import is seen from the page.
    const text = snippet.text.replaceAll(
      /from "(\.[^"]+)"/g,
      (_, path: string) => `from "${join(root, dirname(snippet.page), path)}"`,
    );
    writeFileSync(join(folder, file), `${snippet.before}${text}\nexport {};\n`);
    return [snippet, file];
  }),
);

it("every snippet type-checks", async () => {
  expect(snippets.length).toBeGreaterThan(10);
  const compilerOptions = { noUnusedLocals: false, noEmit: true };
  const config = {
    extends: join(root, "tsconfig.base.json"),
    compilerOptions,
    files: [join(root, "types/wgsl.d.ts"), ...fileOf.values()],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { stdout } = await run(process.execPath, [tsc, "-p", folder], { cwd: folder }).catch((error) => error);
  const faults = String(stdout)
    .split("\n")
    .filter((line) => [...fileOf.values()].some((file) => line.includes(file)));
  expect(faults).toEqual([]);
});

/** What a page says that a line prints: `console.log(...); // 3 pairs`. */
const promised = (text: string): string[] =>
  text.split("\n").flatMap((line) => /^console\.log\(.*\); \/\/ (.+)$/.exec(line)?.[1] ?? []);

describe("runs, and prints what the page says", () => {
  it.each(snippets.filter(({ note }) => note === "").map((snippet) => [nameOf(snippet), snippet] as const))(
    "%s",
    async (_, snippet) => {
      const cwd = mkdtempSync(join(tmpdir(), "zephyr-snippet-"));
      try {
        const args = [
          "--conditions=zephyr-source",
          "--import",
          join(root, "tools/wgsl-hook.mjs"),
          join(folder, fileOf.get(snippet)!),
        ];
        const { stdout } = await run(process.execPath, args, { cwd, env: { ...process.env, NODE_OPTIONS: "" } });
        for (const line of promised(snippet.text)) expect(stdout.split("\n")).toContain(line);
      } finally {
        rmSync(cwd, { recursive: true, force: true });
      }
    },
  );
});

it("a block is run unless it says no-run", () => {
  expect(snippets.filter(({ note }) => note !== "" && note !== "no-run").map(nameOf)).toEqual([]);
});
