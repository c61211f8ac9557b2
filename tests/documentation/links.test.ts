import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { pages, root } from "./markdown-blocks.ts";

const textOf = (page: string): string => readFileSync(join(root, page), "utf8").replaceAll(/^```[\s\S]*?^```$/gm, "");

/** Where a page's relative links lead: the path from the repository's root. */
const linksOf = (page: string): string[] =>
  [...textOf(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
    .map(([, target]) => target!)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => join(dirname(page), target));

it("every link of the documentation leads somewhere", () => {
  const links = pages().flatMap((page) => linksOf(page).map((target) => ({ page, target })));
  expect(links.length).toBeGreaterThan(100);
  expect(links.filter(({ target }) => !existsSync(join(root, target)))).toEqual([]);
});

it("every page of docs is reached from its table of contents", () => {
  const reached = new Set(linksOf("docs/README.md"));
  expect(pages().filter((page) => /^docs\/(?!README)/.test(page) && !reached.has(page))).toEqual([]);
});
