import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

// What comes along with the packages may be used as freely as they may: permissive licences only, each one read from the lock file.

const root = join(import.meta.dirname, "..");
const PERMISSIVE = new Set(["MIT", "ISC", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "BlueOak-1.0.0"]);
/** Tools that are not handed on may have a licence that asks for their own sources. */
const OF_TOOLS = new Set([...PERMISSIVE, "MPL-2.0"]);

interface Locked {
  license?: string;
  link?: boolean;
  dev?: boolean;
  devOptional?: boolean;
}

const locked = (JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as { packages: Record<string, Locked> })
  .packages;
const installed = Object.entries(locked).filter(([path, { link }]) => path.includes("node_modules/") && !link);
const isTool = ({ dev, devOptional }: Locked): boolean => dev === true || devOptional === true;

/** Whether one of the alternatives of an expression such as `MIT OR Apache-2.0` may be taken, and all parts of `A AND B`. */
function isAllowed(expression: string | undefined, allowed: ReadonlySet<string>): boolean {
  const parts = (text: string, word: string): string[] => text.replaceAll(/[()]/g, "").split(` ${word} `);
  if (expression === undefined) return false;
  return parts(expression, "OR").some((alternative) => parts(alternative, "AND").every((licence) => allowed.has(licence.trim())));
}

describe("licences", () => {
  it("of what is installed with a package are permissive", () => {
    const shipped = installed.filter(([, entry]) => !isTool(entry));
    expect(shipped.length).toBeGreaterThan(5);
    expect(
      shipped.filter(([, { license }]) => !isAllowed(license, PERMISSIVE)).map(([path, { license }]) => `${path}: ${license}`),
    ).toEqual([]);
  });

  it("of the tools are known", () => {
    const tools = installed.filter(([, entry]) => isTool(entry));
    expect(
      tools.filter(([, { license }]) => !isAllowed(license, OF_TOOLS)).map(([path, { license }]) => `${path}: ${license}`),
    ).toEqual([]);
  });

  it("a copyleft or missing licence would be found", () => {
    expect(
      ["GPL-3.0", "AGPL-3.0-only OR SSPL-1.0", "MIT AND GPL-2.0", "MPL-2.0", undefined].filter((each) =>
        isAllowed(each, PERMISSIVE),
      ),
    ).toEqual([]);
    expect(isAllowed("(GPL-2.0 OR MIT)", PERMISSIVE)).toBe(true);
  });

  it("every dependency of a package is named in a decision, with its reason and its licence", () => {
    const decisions = globSync("docs/decisions/*.md", { cwd: root })
      .map((path) => readFileSync(join(root, path), "utf8"))
      .join("\n");
    const manifests = globSync("packages/*/package.json", { cwd: root }).map((path) =>
      JSON.parse(readFileSync(join(root, path), "utf8")),
    );
    const names = new Set(
      manifests.flatMap(({ dependencies = {} }) => Object.keys(dependencies)).filter((name) => !name.startsWith("@zephyr/")),
    );
    const unnamed = [...names].filter(
      (name) => !new RegExp(`\`${name}\`[^\n]*\\|[^\n]*\\| *[^|\n]*(MIT|Apache|ISC|BSD)`).test(decisions),
    );
    expect(unnamed).toEqual([]);
  });
});
