import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./run-command.ts";

/** One deb822 paragraph of apt's sources: field names in lower case, values as written (a key block keeps its lines). */
export type SourceStanza = Readonly<Record<string, string>>;

/** Names under which a Debian machine may follow a release instead of by code name. */
const aliases = ["stable", "oldstable", "testing", "unstable", "sid"];

/** Splits a `.sources` file into its paragraphs; comments go, continuation lines stay with their field. */
export function parseDeb822(text: string): SourceStanza[] {
  const lines = text
    .replaceAll("\r\n", "\n")
    .split("\n")
    .filter((line) => !line.startsWith("#"));
  return lines
    .join("\n")
    .split(/\n[ \t]*\n/)
    .map((paragraph) => {
      const stanza: Record<string, string> = {};
      let field = "";
      for (const line of paragraph.split("\n")) {
        const start = /^([A-Za-z][A-Za-z-]*):[ \t]*(.*)$/.exec(line);
        if (start) {
          field = start[1]!.toLowerCase();
          stanza[field] = start[2]!.trim();
        } else if (field && /^[ \t]/.test(line)) stanza[field] += `\n${line}`;
      }
      return stanza;
    })
    .filter((stanza) => stanza.uris !== undefined);
}

/** Reads the one-line format, `deb [signed-by=FILE arch=amd64] URI SUITE COMPONENT...`, as paragraphs. */
export function parseOneLine(text: string): SourceStanza[] {
  const stanzas: SourceStanza[] = [];
  for (const line of text.split("\n")) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line);
    if (!match) continue;
    const [, options = "", uris = "", suites = "", components = ""] = match;
    const fields: Record<string, string> = { types: "deb", uris, suites, components: components.trim() };
    for (const [, name = "", value = ""] of options.matchAll(/([a-z-]+)\+?=(\S+)/g))
      fields[name === "arch" ? "architectures" : name] = value.replaceAll(",", " ");
    stanzas.push(fields);
  }
  return stanzas;
}

/**
 * Keeps what belongs to the machine's own release: its main suite and the suites named after it (`-updates`, `-security`, `-backports`).
 *
 * `main` is the paragraph that holds the release itself, from whose address other suites of the release can be had; undefined when there is none.
 */
export function releaseStanzas(
  stanzas: readonly SourceStanza[],
  codename: string,
): { kept: SourceStanza[]; main?: SourceStanza; suite?: string } {
  const releases = [codename, ...aliases];
  const ofRelease = (suite: string) =>
    releases.some((name) => suite === name || suite.startsWith(`${name}-`) || suite.startsWith(`${name}/`));
  const kept: SourceStanza[] = [];
  let main: SourceStanza | undefined;
  let suite: string | undefined;
  for (const stanza of stanzas) {
    const isBinary = /(^|\s)deb(\s|$)/.test(stanza.types ?? "deb");
    if (
      !isBinary ||
      /^(no|false|off|0|without|disable)$/i.test(stanza.enabled ?? "") ||
      !/(^|\s)main(\s|$)/.test(stanza.components ?? "")
    )
      continue;
    const suites = (stanza.suites ?? "").split(/\s+/).filter(ofRelease);
    if (suites.length === 0) continue;
    kept.push({ ...stanza, types: "deb", suites: suites.join(" ") });
    const own = suites.find((name) => releases.includes(name));
    if (own === undefined || main) continue;
    main = stanza;
    suite = own;
  }
  return main && suite ? { kept, main, suite } : { kept };
}

/** Paragraphs as the text of a `.sources` file. */
export function formatDeb822(stanzas: readonly SourceStanza[]): string {
  return stanzas
    .map(
      (stanza) =>
        `${Object.entries(stanza)
          .map(([field, value]) => `${field}: ${value}`)
          .join("\n")}\n`,
    )
    .join("\n");
}

/** Every source that this machine's apt is configured with, wherever its configuration keeps them. */
export async function machineStanzas(): Promise<SourceStanza[]> {
  const shell = await runCommand("apt-config", ["shell", "LIST", "Dir::Etc::sourcelist/f", "PARTS", "Dir::Etc::sourceparts/d"]);
  const path = (name: string) => new RegExp(`^${name}='(.*)'$`, "m").exec(shell)?.[1] ?? "";
  const parts = path("PARTS");
  const names = existsSync(parts) ? readdirSync(parts).sort() : [];
  const files = [path("LIST"), ...names.map((name) => join(parts, name))].filter((file) => existsSync(file));
  return files.flatMap((file) => {
    if (file.endsWith(".sources")) return parseDeb822(readFileSync(file, "utf8"));
    return file.endsWith(".list") ? parseOneLine(readFileSync(file, "utf8")) : [];
  });
}

/** A field of /etc/os-release, such as VERSION_CODENAME; "" when absent. */
export function osRelease(field: string): string {
  if (!existsSync("/etc/os-release")) return "";
  return new RegExp(`^${field}="?([^"\n]*)"?$`, "m").exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "";
}
