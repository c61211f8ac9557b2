import { type Exported, exportsOfPackages } from "./exports.ts";

/** The API reference: the text of `docs/api/<package>.md` by package, out of the docstrings alone. */
export function apiPages(packages: ReadonlyMap<string, readonly Exported[]> = exportsOfPackages()): Map<string, string> {
  return new Map([...packages].map(([name, exported]) => [`${name}.md`, page(name, exported)]));
}

const KINDS = [
  ["function", "Functions"],
  ["value", "Values"],
  ["type", "Types"],
] as const;

function page(name: string, exported: readonly Exported[]): string {
  const parts = KINDS.map(([kind, title]) => [title, exported.filter((each) => each.kind === kind).sort(byName)] as const).filter(
    ([, list]) => list.length > 0,
  );
  const contents = parts.map(
    ([title, list]) => `${title}: ${list.map((each) => `[${each.name}](#${anchor(each.name)})`).join(", ")}`,
  );
  const names = new Set(exported.map((each) => each.name));
  const body = parts.flatMap(([title, list]) => [`## ${title}`, ...list.map((each) => entry(each, names))]);
  const head = `# @zephyr/${name}: reference\n\nFrom the docstrings, by \`npm run docs\`. What the package is for: [its page](../../packages/${name}/README.md).`;
  return `${[head, ...contents, ...body].join("\n\n")}\n`;
}

const byName = (a: Exported, b: Exported): number => (a.name < b.name ? -1 : 1);
const anchor = (name: string): string => name.toLowerCase();

function entry(exported: Exported, names: ReadonlySet<string>): string {
  const { name, signature, tags, file } = exported;
  const parts = [`### ${name}`, fence(signature), descriptionOf(exported, names)];
  for (const tag of tags.filter((each) => each.name !== "example" && each.text !== "")) parts.push(`*${tag.name}* ${tag.text}`);
  for (const { text } of tags.filter((each) => each.name === "example")) parts.push("Example:", fence(text));
  parts.push(`[${file}](../../${file})`);
  return parts.filter((part) => part !== "").join("\n\n");
}

/** The docstring; without one, options belong to the function of their name, and `createScorer` makes a Scorer. */
export function descriptionOf({ name, description }: Exported, names: ReadonlySet<string>): string {
  // `typescript` and not `ts`: these are excerpts, which are not run by themselves.
  if (description !== "") return description.replaceAll(/^```ts$/gm, "```typescript");
  const stem = name.replace(/Options$/, "");
  const owner = `${stem[0]!.toLowerCase()}${stem.slice(1)}`;
  if (stem !== name && names.has(owner)) return `Options of [${owner}](#${anchor(owner)}).`;
  const made = /^create([A-Z]\w+)$/.exec(name)?.[1];
  return made !== undefined && names.has(made) ? `A new [${made}](#${anchor(made)}).` : "";
}

/** Code as a block; a docstring may have written the fence itself. */
const fence = (code: string): string => `\`\`\`typescript\n${code.trim().replace(/^```\w*\n|\n```$/g, "")}\n\`\`\``;
