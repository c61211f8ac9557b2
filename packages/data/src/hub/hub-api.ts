import type { HubRepo } from "./hub-names.ts";

/** One file of a repository; `checksum` is the sha256 of a large file, else its git blob id. */
export interface HubFile {
  path: string;
  size: number;
  checksum: string;
  large: boolean;
}

export function hubEndpoint(): string {
  return (globalThis.process?.env["HF_ENDPOINT"] ?? "https://huggingface.co").replace(/\/+$/, "");
}

/** The token of `HF_TOKEN`, if any. */
export function hubToken(): string | undefined {
  return globalThis.process?.env["HF_TOKEN"] || undefined;
}

/** Errors of the Hub in our wording; `code` is "HUB_NOT_FOUND", "HUB_UNAUTHORIZED" or "HUB_UNREACHABLE". */
export function hubError(repo: HubRepo, cause: unknown, caller: string): Error {
  const status = (cause as { statusCode?: number }).statusCode;
  const name = `${repo.type} ${repo.id} at ${repo.revision}`;
  const known: Record<number, [string, string]> = {
    401: ["HUB_UNAUTHORIZED", "it is private, gated or absent; set HF_TOKEN to a token that may read it"],
    403: ["HUB_UNAUTHORIZED", "the token may not read it; accept its terms on the Hub, or use another HF_TOKEN"],
    404: ["HUB_NOT_FOUND", "there is no such repository or revision; check the spelling"],
  };
  const [code, advice] = known[status ?? 0] ?? [
    "HUB_UNREACHABLE",
    "check the network and HF_ENDPOINT, or set HF_HUB_OFFLINE=1 to use the cache only",
  ];
  const detail = status === undefined ? (cause as Error).message : `status ${status}`;
  return Object.assign(new Error(`${caller}: ${name} from ${hubEndpoint()}: ${detail}; ${advice}`, { cause }), { code });
}

/** An answer that is not OK; `statusCode` decides the advice. */
async function getJson(url: string): Promise<{ body: unknown; next: string | undefined }> {
  const token = hubToken();
  const answer = await fetch(url, {
    headers: { accept: "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) },
  });
  if (!answer.ok) {
    await answer.body?.cancel();
    throw Object.assign(new Error(`status ${answer.status}`), { statusCode: answer.status });
  }
  const next = /<([^>]*)>;\s*rel="next"/.exec(answer.headers.get("link") ?? "")?.[1];
  return { body: await answer.json(), next: next === undefined ? undefined : new URL(next, url).href };
}

/** The commit that a revision names now. */
export async function resolveCommit({ type, id, revision }: HubRepo): Promise<string> {
  const { body } = await getJson(`${hubEndpoint()}/api/${type}s/${id}/revision/${encodeURIComponent(revision)}`);
  const { sha } = (body ?? {}) as { sha?: unknown };
  if (typeof sha !== "string" || !/^[0-9a-f]{40}$/.test(sha))
    throw new TypeError(`the Hub answered ${JSON.stringify(sha)} for a commit`);
  return sha;
}

interface TreeEntry {
  type?: unknown;
  path?: unknown;
  size?: unknown;
  oid?: unknown;
  lfs?: { oid?: unknown; size?: unknown };
}

/** The files of one page of the Hub's answer, whatever that holds. */
export function parseFileList(body: unknown): HubFile[] {
  if (!Array.isArray(body)) throw new TypeError("the Hub's file list is no list");
  return body.flatMap((entry: unknown) => {
    if (typeof entry !== "object" || entry === null)
      throw new TypeError(`the Hub lists ${JSON.stringify(entry)}, which is no file`);
    return (entry as TreeEntry).type === "file" ? [toHubFile(entry)] : [];
  });
}

function toHubFile(entry: TreeEntry): HubFile {
  const { path } = entry;
  const large = entry.lfs !== undefined && entry.lfs !== null;
  const checksum = large ? entry.lfs!.oid : entry.oid;
  const size = large ? entry.lfs!.size : entry.size;
  if (typeof path !== "string" || !Number.isSafeInteger(size) || (size as number) < 0) {
    throw new TypeError(`the Hub lists the file ${JSON.stringify(path)} with the size ${JSON.stringify(size)}`);
  }
  if (typeof checksum !== "string" || !(large ? /^[0-9a-f]{64}$/ : /^[0-9a-f]{40}$/).test(checksum)) {
    throw new TypeError(`the Hub gives ${JSON.stringify(path)} the checksum ${JSON.stringify(checksum)}`);
  }
  return { path, size: size as number, checksum, large };
}

/** All files of a repository at a commit, page after page. */
export async function listHubFiles({ type, id }: HubRepo, commit: string): Promise<HubFile[]> {
  const files: HubFile[] = [];
  let url: string | undefined = `${hubEndpoint()}/api/${type}s/${id}/tree/${commit}?recursive=true&expand=false`;
  while (url) {
    // The token goes along, so a page on another machine is not followed.
    if (new URL(url).origin !== new URL(hubEndpoint()).origin)
      throw new Error(`the file list goes on at ${url}, which is another server`);
    const { body, next }: { body: unknown; next: string | undefined } = await getJson(url);
    files.push(...parseFileList(body));
    url = next;
  }
  return files;
}

/** The address of a file's content. */
export function fileAddress({ type, id }: HubRepo, commit: string, path: string): string {
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  return `${hubEndpoint()}/${type === "dataset" ? "datasets/" : ""}${id}/resolve/${commit}/${encoded}`;
}
