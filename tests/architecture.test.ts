import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";

// The import table of docs/architecture.md as a test: who may import whom, and how.

/** How an import may reach another package: at run time, for its types alone, or by `import()` where it is needed. */
type EdgeKind = "run-time" | "types" | "dynamic";

const allowedEdges: Readonly<Record<string, Readonly<Record<string, EdgeKind>>>> = {
  data: {},
  losses: {},
  "software-gpu": {},
  aif: { data: "run-time" },
  binarize: { data: "types" },
  "train-webgpu": { data: "run-time", losses: "run-time", "software-gpu": "dynamic" },
  eval: { data: "types", aif: "run-time" },
  cli: Object.fromEntries(
    ["aif", "binarize", "data", "eval", "losses", "software-gpu", "train-webgpu"].map((name) => [name, "run-time"] as const),
  ),
};
const withoutDependencies = ["losses", "binarize"];
const bannedNames = /^(core|utils?|shared|common|helpers?|misc|lib)$/;
const lineBudget = 500;

interface Manifest {
  readonly name?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { optional?: boolean }>>;
}

interface Import {
  readonly specifier: string;
  readonly kind: EdgeKind;
  readonly line: number;
}

/** Tests, benchmarks and what only they use (`src/testing/`). */
const isTest = (path: string) => /\.(test|bench)\.ts$|\/src\/testing\//.test(path);
const parse = (path: string, text: string) => ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);

/** Whether nothing of an import or re-export is left in the JavaScript that Node runs. */
function isErased(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  return node.importClause?.isTypeOnly ?? false;
}

function importsOf(source: ts.SourceFile): Import[] {
  const found: Import[] = [];
  const add = (node: ts.Node, specifier: ts.Node | undefined, kind: EdgeKind) => {
    if (specifier && ts.isStringLiteralLike(specifier))
      found.push({ specifier: specifier.text, kind, line: source.getLineAndCharacterOfPosition(node.getStart()).line + 1 });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node))
      add(node, node.moduleSpecifier, isErased(node) ? "types" : "run-time");
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node, node.argument.literal, "types");
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node, node.arguments[0], "dynamic");
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** A run-time edge also covers the weaker kinds; a test may use any edge of the table in any way. */
function edgeFault(from: string, to: string, kind: EdgeKind, inTest: boolean): string | undefined {
  const allowed = allowedEdges[from]?.[to];
  if (allowed === undefined) return `@zephyr/${from} must not import @zephyr/${to}`;
  if (inTest || allowed === "run-time" || kind === "types" || kind === allowed) return undefined;
  const way = allowed === "types" ? "types alone (import type)" : "a dynamic import() alone";
  return `@zephyr/${from} may reach @zephyr/${to} by ${way}, this is a ${kind} import`;
}

const packageNameOf = (specifier: string) => specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");

function importFaults(from: string, path: string, source: ts.SourceFile, manifest: Manifest): string[] {
  const declared = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.peerDependencies };
  return importsOf(source).flatMap(({ specifier, kind, line }) => {
    const place = `${path}:${line}`;
    if (specifier.startsWith(".")) {
      const target = join(dirname(path), specifier);
      return target.startsWith(`packages/${from}/`) ? [] : [`${place}: ${specifier} leaves the package; import it by its name`];
    }
    const name = packageNameOf(specifier);
    const internal = /^@zephyr\/(.+)$/.exec(name)?.[1];
    if (internal !== undefined && internal !== from) {
      const fault = edgeFault(from, internal, kind, isTest(path));
      if (fault) return [`${place}: ${fault}`];
    }
    if (/^(node|bun):/.test(name) || internal === from || isTest(path) || name in declared) return [];
    return [`${place}: ${name} is not declared in the package.json of @zephyr/${from}`];
  });
}

function randomFaults(path: string, source: ts.SourceFile): string[] {
  const faults: string[] = [];
  const visit = (node: ts.Node): void => {
    const isProperty = ts.isPropertyAccessExpression(node) && node.name.text === "random";
    const isElement =
      ts.isElementAccessExpression(node) &&
      ts.isStringLiteralLike(node.argumentExpression) &&
      node.argumentExpression.text === "random";
    if ((isProperty || isElement) && node.expression.getText() === "Math")
      faults.push(
        `${path}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}: Math.random has no seed; draw from a seeded generator`,
      );
    ts.forEachChild(node, visit);
  };
  visit(source);
  return faults;
}

function indexFaults(path: string, source: ts.SourceFile): string[] {
  const isReExport = (statement: ts.Statement) =>
    ts.isExportDeclaration(statement) &&
    (statement.moduleSpecifier !== undefined ||
      (statement.exportClause && ts.isNamedExports(statement.exportClause) && statement.exportClause.elements.length === 0));
  const other = source.statements.find((statement) => !isReExport(statement));
  if (!other) return [];
  return [
    `${path}:${source.getLineAndCharacterOfPosition(other.getStart()).line + 1}: index.ts only re-exports; move this into a file of its own`,
  ];
}

function budgetFaults(path: string, text: string): string[] {
  const lines = text.split("\n").length;
  if (lines <= lineBudget || isTest(path) || path.endsWith(".reference.ts")) return [];
  return [`${path}: ${lines} lines, the budget is ${lineBudget}; split it by what it is about`];
}

function manifestFaults(directory: string, manifest: Manifest): string[] {
  const place = `packages/${directory}/package.json`;
  const faults: string[] = [];
  if (bannedNames.test(directory)) faults.push(`${place}: a package named ${directory} says nothing about what it holds`);
  if (manifest.name !== `@zephyr/${directory}`) faults.push(`${place}: name is ${manifest.name}, expected @zephyr/${directory}`);
  if (!(directory in allowedEdges)) return [...faults, `${place}: ${directory} is not in the import table`];
  const names = (section: Readonly<Record<string, string>> | undefined) => Object.keys(section ?? {});
  const required = [...names(manifest.dependencies), ...names(manifest.optionalDependencies)];
  if (withoutDependencies.includes(directory) && required.length > 0)
    faults.push(`${place}: @zephyr/${directory} has no run-time dependency, found ${required.join(", ")}`);
  for (const name of [...required, ...names(manifest.peerDependencies), ...names(manifest.devDependencies)]) {
    const to = /^@zephyr\/(.+)$/.exec(name)?.[1];
    if (to === undefined) continue;
    const kind = allowedEdges[directory]?.[to];
    if (kind === undefined) faults.push(`${place}: @zephyr/${directory} must not depend on ${name}`);
    else if (kind === "dynamic" && required.includes(name))
      faults.push(`${place}: ${name} is an optional peer, not a dependency`);
  }
  for (const name of names(manifest.peerDependencies))
    if (name.startsWith("@zephyr/") && !manifest.peerDependenciesMeta?.[name]?.optional)
      faults.push(`${place}: the peer ${name} must be marked optional`);
  return faults;
}

/** Every breach of the architecture in a set of files, given as path (relative to the repository) to text. */
function architectureFaults(files: Readonly<Record<string, string>>): string[] {
  const manifests = new Map<string, Manifest>();
  for (const [path, text] of Object.entries(files)) {
    const directory = /^packages\/([^/]+)\/package\.json$/.exec(path)?.[1];
    if (directory !== undefined) manifests.set(directory, JSON.parse(text));
  }
  const faults = [...manifests].flatMap(([directory, manifest]) => manifestFaults(directory, manifest));
  for (const [path, text] of Object.entries(files)) {
    if (!path.endsWith(".ts")) continue;
    faults.push(...budgetFaults(path, text));
    const from = /^packages\/([^/]+)\/src\//.exec(path)?.[1];
    if (from === undefined) continue;
    const banned = dirname(path)
      .split("/")
      .slice(3)
      .find((name) => bannedNames.test(name)); // folders below src
    if (banned) faults.push(`${path}: a folder named ${banned} says nothing about what it holds`);
    const source = parse(path, text);
    faults.push(...importFaults(from, path, source, manifests.get(from) ?? {}), ...randomFaults(path, source));
    if (path === `packages/${from}/src/index.ts`) faults.push(...indexFaults(path, source));
  }
  return faults;
}

const root = join(import.meta.dirname, "..");

function repositoryFiles(): Record<string, string> {
  const files: Record<string, string> = {};
  const skipped = new Set(["node_modules", "dist", "fixtures", "coverage", ".turbo"]);
  const walk = (directory: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isDirectory() && !skipped.has(entry.name)) walk(path);
      else if (entry.isFile() && (entry.name.endsWith(".ts") || entry.name === "package.json"))
        files[relative(root, path)] = readFileSync(path, "utf8");
    }
  };
  for (const directory of ["packages", "recipes", "examples", "benchmarks", "tools", "tests"])
    if (readdirSync(root).includes(directory)) walk(join(root, directory));
  return files;
}

describe("the repository", () => {
  const files = repositoryFiles();

  test("keeps to the import table, the budgets and the names", () => {
    expect(architectureFaults(files)).toEqual([]);
  });

  test("was read whole: every package of the table has a manifest and an index", () => {
    for (const name of Object.keys(allowedEdges)) {
      expect(files).toHaveProperty([`packages/${name}/package.json`]);
      expect(files).toHaveProperty([`packages/${name}/src/index.ts`]);
    }
  });

  test("has an import table without cycles", () => {
    const reach = (from: string, seen: readonly string[]): void => {
      expect(seen).not.toContain(from);
      for (const to of Object.keys(allowedEdges[from] ?? {})) reach(to, [...seen, from]);
    };
    for (const name of Object.keys(allowedEdges)) reach(name, []);
  });
});

describe("the detector", () => {
  const manifest = (name: string, rest: Manifest = {}) => JSON.stringify({ name: `@zephyr/${name}`, ...rest });
  const planted: [claim: string, files: Record<string, string>, fault: string][] = [
    [
      "a static import",
      { "packages/losses/src/dpo.ts": 'import { readRows } from "@zephyr/data";' },
      "losses must not import @zephyr/data",
    ],
    [
      "a type import",
      { "packages/data/src/a.ts": 'import type { Loss } from "@zephyr/losses";' },
      "data must not import @zephyr/losses",
    ],
    [
      "an import() type",
      { "packages/data/src/a.ts": 'type A = import("@zephyr/aif").Model;' },
      "data must not import @zephyr/aif",
    ],
    ["a re-export", { "packages/aif/src/a.ts": 'export * from "@zephyr/eval";' }, "aif must not import @zephyr/eval"],
    [
      "a dynamic import",
      { "packages/binarize/src/a.ts": 'const m = await import("@zephyr/aif");' },
      "binarize must not import @zephyr/aif",
    ],
    ["a subpath", { "packages/aif/src/a.ts": 'import "@zephyr/cli/main";' }, "aif must not import @zephyr/cli"],
    [
      "a forbidden import in a test",
      { "packages/losses/src/a.test.ts": 'import "@zephyr/eval";' },
      "losses must not import @zephyr/eval",
    ],
    [
      "a run-time import of types",
      { "packages/binarize/src/a.ts": 'import { readRows } from "@zephyr/data";' },
      "types alone (import type)",
    ],
    // verbatimModuleSyntax keeps this import in the JavaScript, although each of its names is a type.
    ["an inline type", { "packages/binarize/src/a.ts": 'import { type Row } from "@zephyr/data";' }, "types alone (import type)"],
    [
      "a static import of the driver",
      { "packages/train-webgpu/src/a.ts": 'import "@zephyr/software-gpu";' },
      "a dynamic import() alone",
    ],
    ["a path into a neighbour", { "packages/aif/src/a.ts": 'import "../../data/src/rows.ts";' }, "leaves the package"],
    ["an undeclared package", { "packages/data/src/a.ts": 'import "left-pad";' }, "left-pad is not declared"],
    [
      "Math.random",
      { "packages/aif/src/a.ts": "const delay = Math.random();" },
      "packages/aif/src/a.ts:1: Math.random has no seed",
    ],
    [
      "Math['random']",
      { "packages/aif/src/a.ts": "\nconst { log } = Math, f = Math['random'];" },
      "packages/aif/src/a.ts:2: Math.random",
    ],
    [
      "code in an index",
      { "packages/aif/src/index.ts": 'export * from "./a.ts";\nexport const a = 1;' },
      "packages/aif/src/index.ts:2: index.ts only",
    ],
    [
      "an import in an index",
      { "packages/aif/src/index.ts": 'import { a } from "./a.ts";\nexport { a };' },
      "index.ts:1: index.ts only",
    ],
    ["501 lines", { "packages/aif/src/a.ts": "\n".repeat(500) }, "501 lines, the budget is 500"],
    ["a folder of leftovers", { "packages/aif/src/utils/a.ts": "" }, "a folder named utils"],
    ["a package of leftovers", { "packages/shared/package.json": manifest("shared") }, "a package named shared"],
    ["an unknown package", { "packages/extra/package.json": manifest("extra") }, "extra is not in the import table"],
    ["a foreign name", { "packages/data/package.json": '{"name":"data"}' }, "name is data, expected @zephyr/data"],
    [
      "a dependency of losses",
      { "packages/losses/package.json": manifest("losses", { dependencies: { a: "1" } }) },
      "no run-time dependency, found a",
    ],
    [
      "an optional dependency",
      { "packages/binarize/package.json": manifest("binarize", { optionalDependencies: { a: "1" } }) },
      "found a",
    ],
    [
      "a declared edge",
      { "packages/aif/package.json": manifest("aif", { devDependencies: { "@zephyr/cli": "1" } }) },
      "must not depend on @zephyr/cli",
    ],
    [
      "a required peer",
      { "packages/binarize/package.json": manifest("binarize", { peerDependencies: { "@zephyr/data": "1" } }) },
      "must be marked optional",
    ],
    [
      "the driver as a dependency",
      { "packages/train-webgpu/package.json": manifest("train-webgpu", { dependencies: { "@zephyr/software-gpu": "1" } }) },
      "is an optional peer, not a dependency",
    ],
  ];

  test.each(planted)("finds %s", (_claim, files, fault) => {
    const faults = architectureFaults(files);
    expect(faults.filter((found) => found.includes(fault))).toHaveLength(1);
  });

  test("finds nothing in what is allowed, in comments, in strings, in tests and oracles of any length", () => {
    const long = "\n".repeat(600);
    expect(
      architectureFaults({
        "packages/train-webgpu/package.json": manifest("train-webgpu", {
          dependencies: { "@zephyr/data": "1", "@zephyr/losses": "1", webgpu: "1" },
          peerDependencies: { "@zephyr/software-gpu": "1" },
          peerDependenciesMeta: { "@zephyr/software-gpu": { optional: true } },
        }),
        "packages/train-webgpu/src/index.ts": 'export type { A } from "./a.ts";\nexport { b } from "./a.ts";',
        "packages/train-webgpu/src/a.ts":
          'import { dpo } from "@zephyr/losses";\nimport "webgpu";\nimport "node:fs";\n// import "@zephyr/cli"; Math.random()\nconst s = \'import "@zephyr/cli"\';\nawait import("@zephyr/software-gpu");',
        "packages/train-webgpu/src/a.test.ts": `import "@zephyr/software-gpu";import "vitest";${long}`,
        "packages/train-webgpu/src/a.reference.ts": long,
        "packages/data/src/index.ts": "export {};",
      }),
    ).toEqual([]);
  });
});
