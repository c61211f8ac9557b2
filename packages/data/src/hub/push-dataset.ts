import { builtin } from "../files/node-builtins.ts";
import { hubEndpoint, hubToken } from "./hub-api.ts";
import { hubRepo, isPlainPath } from "./hub-names.ts";
import { type LargeFile, uploadLargeFiles } from "./upload-large-files.ts";

/** A file of the repository: its path there, and a local path or its text. */
export type PushedFile = { path: string } & ({ from: string } | { text: string });

export interface PushDatasetOptions {
  /** Whether a repository that is new is private. Default false, as on the Hub. */
  private?: boolean | undefined;
  /** Default "main". */
  revision?: string | undefined;
  /** The commit's summary. */
  message?: string | undefined;
}

interface ReadyFile {
  path: string;
  blob: Blob;
  sha256: string;
}

const SAMPLE_BYTES = 512;
const CALLER = "pushDataset";

/**
 * Puts files into a dataset repository of the Hugging Face Hub (`HF_ENDPOINT`, `HF_TOKEN`) in one commit, and makes the
 * repository if there is none: all files or none. Large ones are sent to its storage first, those that it has already are not.
 *
 * Throws an Error with the code "HUB_UNAUTHORIZED" without a token that may write, "HUB_REFUSED" for any other refusal.
 *
 * @example await pushDataset("me/ratings", [{ path: "data/train.parquet", from: "rated.parquet" }, { path: "README.md", text: card }])
 */
export async function pushDataset(
  id: string,
  files: readonly PushedFile[],
  { private: isPrivate = false, revision = "main", message = "Upload with zephyr" }: PushDatasetOptions = {},
): Promise<{ url: string; commit: string }> {
  const repo = hubRepo("dataset", id, revision, CALLER);
  if (hubToken() === undefined)
    throw refused("HUB_UNAUTHORIZED", `${id}: HF_TOKEN is not set; set it to a token that may write there`);
  const ready = await Promise.all(files.map(readyFile));
  await createRepo(id, isPrivate);
  const place = `/api/datasets/${id}`;
  const at = encodeURIComponent(repo.revision);
  const modes = await uploadModes(`${place}/preupload/${at}`, ready);
  const large = ready.filter(({ path }) => modes.get(path) === "lfs");
  await uploadLargeFiles(`${hubEndpoint()}/datasets/${id}.git/info/lfs/objects/batch`, large.map(toLarge));
  const lines = [{ key: "header", value: { summary: message, description: "" } }, ...(await Promise.all(ready.map(commitLine)))];
  const body = lines.map((line) => JSON.stringify(line)).join("\n");
  const reply = await send(`${place}/commit/${at}`, body, "application/x-ndjson");
  const { commitOid } = reply as { commitOid?: unknown };
  return { url: `${hubEndpoint()}/datasets/${id}`, commit: String(commitOid) };

  async function commitLine({ path, blob, sha256 }: ReadyFile): Promise<object> {
    if (modes.get(path) === "lfs") return { key: "lfsFile", value: { path, algo: "sha256", oid: sha256, size: blob.size } };
    const content = builtin("node:buffer", CALLER)
      .Buffer.from(await blob.arrayBuffer())
      .toString("base64");
    return { key: "file", value: { path, content, encoding: "base64" } };
  }
}

function toLarge({ sha256, blob }: ReadyFile): LargeFile {
  return { oid: sha256, blob };
}

async function readyFile(file: PushedFile): Promise<ReadyFile> {
  if (!isPlainPath(file.path))
    throw new RangeError(
      `${CALLER}: ${JSON.stringify(file.path)} is no path inside a repository; write one such as "data/train.parquet"`,
    );
  const blob = "text" in file ? new Blob([file.text]) : await builtin("node:fs", CALLER).openAsBlob(file.from);
  const hash = builtin("node:crypto", CALLER).createHash("sha256");
  for await (const chunk of blob.stream()) hash.update(chunk);
  return { path: file.path, blob, sha256: hash.digest("hex") };
}

/** A repository that exists already is taken as it is. */
async function createRepo(id: string, isPrivate: boolean): Promise<void> {
  const [organization, name] = id.includes("/") ? id.split("/") : [undefined, id];
  const body = JSON.stringify({ type: "dataset", name, organization, private: isPrivate });
  await send("/api/repos/create", body, "application/json", [409]);
}

/** Which files go to the storage of large files is the Hub's to say. */
async function uploadModes(address: string, files: ReadyFile[]): Promise<Map<string, string>> {
  const { Buffer } = builtin("node:buffer", CALLER);
  const asked = await Promise.all(
    files.map(async ({ path, blob }) => ({
      path,
      size: blob.size,
      sample: Buffer.from(await blob.slice(0, SAMPLE_BYTES).arrayBuffer()).toString("base64"),
    })),
  );
  const { files: modes } = (await send(address, JSON.stringify({ files: asked }), "application/json")) as { files?: unknown };
  if (!Array.isArray(modes)) throw refused("HUB_REFUSED", `${address}: the Hub does not say how files are to be sent`);
  return new Map(modes.map(({ path, uploadMode }) => [String(path), String(uploadMode)]));
}

async function send(path: string, body: string, type: string, alsoFine: number[] = []): Promise<unknown> {
  const headers = { "content-type": type, authorization: `Bearer ${hubToken()}` };
  const reply = await fetch(hubEndpoint() + path, { method: "POST", headers, body });
  const text = await reply.text();
  if (!reply.ok && !alsoFine.includes(reply.status)) {
    const advice = reply.status === 401 || reply.status === 403 ? "; HF_TOKEN must be a token that may write there" : "";
    const code = advice === "" ? "HUB_REFUSED" : "HUB_UNAUTHORIZED";
    throw refused(code, `${path}: status ${reply.status} ${JSON.stringify(text.slice(0, 200))}${advice}`);
  }
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function refused(code: string, message: string): Error {
  return Object.assign(new Error(`${CALLER}: ${message}`), { code });
}
