import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { apiPages, descriptionOf } from "../../tools/docs/api-pages.ts";
import { exportsOfPackages } from "../../tools/docs/exports.ts";
import { root } from "./markdown-blocks.ts";

// The reference is made of docstrings, so each export must have one.

const packages = exportsOfPackages();

describe.each([...packages])("@zephyr/%s", (name, exported) => {
  it("has a docstring for every export", () => {
    const names = new Set(exported.map((each) => each.name));
    const bare = exported.filter((each) => descriptionOf(each, names) === "");
    expect(bare.map((each) => `${each.name} (${each.file})`)).toEqual([]);
  });

  it("has a page of reference that says what they say; `npm run docs` writes it", () => {
    const path = join(root, "docs/api", `${name}.md`);
    expect(existsSync(path), path).toBe(true);
    expect(readFileSync(path, "utf8")).toBe(apiPages(new Map([[name, exported]])).get(`${name}.md`));
  });
});

it("there is no page of a package that is gone", () => {
  expect(readdirSync(join(root, "docs/api")).sort()).toEqual([...packages.keys()].map((name) => `${name}.md`).sort());
});
