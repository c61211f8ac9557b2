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

function credentials(): { hubUrl: string; accessToken?: string } {
  const token = hubToken();
  return { hubUrl: hubEndpoint(), ...(token ? { accessToken: token } : {}) };
}

/** The commit that a revision names now. */
export async function resolveCommit({ type, id, revision }: HubRepo): Promise<string> {
  const { datasetInfo, modelInfo } = await import("@huggingface/hub");
  const params = { name: id, revision, additionalFields: ["sha" as const], ...credentials() };
  const { sha } = await (type === "dataset" ? datasetInfo(params) : modelInfo(params));
  if (!/^[0-9a-f]{40}$/.test(sha)) throw new TypeError(`the Hub answered ${JSON.stringify(sha)} for a commit`);
  return sha;
}

/** All files of a repository at a commit. */
export async function listHubFiles({ type, id }: HubRepo, commit: string): Promise<HubFile[]> {
  const { listFiles } = await import("@huggingface/hub");
  const files: HubFile[] = [];
  for await (const entry of listFiles({ repo: { type, name: id }, revision: commit, recursive: true, ...credentials() })) {
    if (entry.type !== "file") continue;
    const checksum = entry.lfs?.oid ?? entry.oid ?? "";
    if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(checksum))
      throw new TypeError(`the Hub gives ${JSON.stringify(entry.path)} the checksum ${JSON.stringify(checksum)}`);
    files.push({ path: entry.path, size: entry.lfs?.size ?? entry.size, checksum, large: entry.lfs !== undefined });
  }
  return files;
}

/** The address of a file's content. */
export function fileAddress({ type, id }: HubRepo, commit: string, path: string): string {
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  return `${hubEndpoint()}/${type === "dataset" ? "datasets/" : ""}${id}/resolve/${commit}/${encoded}`;
}
