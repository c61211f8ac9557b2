import { hubEndpoint, hubToken } from "./hub-api.ts";

/** Content that goes to the Hub's storage of large files; `oid` is its sha256. */
export interface LargeFile {
  oid: string;
  blob: Blob;
}

interface Action {
  href: string;
  header?: Record<string, string>;
}

interface BatchObject {
  oid: string;
  actions?: { upload?: Action; verify?: Action };
  error?: { message?: string };
}

const ATTEMPTS = 5;
const FIRST_WAIT_MS = 500;
const GIT_LFS = "application/vnd.git-lfs+json";

/** Sends what the storage does not have yet, whole or in the parts that it asks for (the Git LFS batch API, version 1). */
export async function uploadLargeFiles(batchAddress: string, files: readonly LargeFile[]): Promise<void> {
  if (files.length === 0) return;
  const body = {
    operation: "upload",
    transfers: ["basic", "multipart"],
    hash_algo: "sha256",
    objects: files.map(({ oid, blob }) => ({ oid, size: blob.size })),
  };
  const { objects } = (await (await request(batchAddress, "POST", JSON.stringify(body), lfsHeaders(batchAddress))).json()) as {
    objects?: BatchObject[];
  };
  const byOid = new Map(files.map((file) => [file.oid, file]));
  for (const { oid, actions, error } of objects ?? []) {
    const file = byOid.get(oid);
    if (error !== undefined || file === undefined)
      throw new Error(`pushDataset: the Hub refuses the file of sha256 ${oid}: ${error?.message ?? "it was not asked about it"}`);
    if (actions?.upload === undefined) continue;
    await upload(file, actions.upload);
    if (actions.verify === undefined) continue;
    const { href, header } = actions.verify;
    await request(href, "POST", JSON.stringify({ oid, size: file.blob.size }), { ...lfsHeaders(href), ...header });
  }
}

async function upload({ oid, blob }: LargeFile, { href, header = {} }: Action): Promise<void> {
  const { chunk_size: chunkSize, ...rest } = header;
  if (chunkSize === undefined) {
    await request(href, "PUT", blob, header);
    return;
  }
  // Of a file in parts each part has an address of its own, under its number.
  const size = Number(chunkSize);
  const count = Math.max(1, Math.ceil(blob.size / size));
  const parts: { partNumber: number; etag: string }[] = [];
  for (let partNumber = 1; partNumber <= count; partNumber++) {
    const address = Object.entries(rest).find(([key]) => Number(key) === partNumber)?.[1];
    if (!(size > 0) || address === undefined)
      throw new Error(`pushDataset: the Hub gives no address for part ${partNumber} of ${count} of sha256 ${oid}`);
    const reply = await request(address, "PUT", blob.slice((partNumber - 1) * size, partNumber * size), {});
    parts.push({ partNumber, etag: reply.headers.get("etag") ?? "" });
  }
  await request(href, "POST", JSON.stringify({ oid, parts }), lfsHeaders(href));
}

/** The token goes to the Hub alone; the storage's addresses are signed. */
function lfsHeaders(address: string): Record<string, string> {
  const isHub = new URL(address).origin === new URL(hubEndpoint()).origin;
  return { accept: GIT_LFS, "content-type": GIT_LFS, ...(isHub ? { authorization: `Bearer ${hubToken()}` } : {}) };
}

/** Repeated after a cut or a 5xx: each of these requests may come twice. */
async function request(url: string, method: string, body: string | Blob, headers: Record<string, string>): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    let problem: string;
    try {
      const reply = await fetch(url, { method, body, headers });
      if (reply.ok) return reply;
      problem = `status ${reply.status} ${JSON.stringify((await reply.text()).slice(0, 200))}`;
      if (reply.status < 500) attempt = ATTEMPTS;
    } catch (cause) {
      problem = (cause as Error).message;
    }
    if (attempt >= ATTEMPTS) throw new Error(`pushDataset: ${method} ${new URL(url).origin}: ${problem}; run again`);
    await new Promise((resolve) => setTimeout(resolve, FIRST_WAIT_MS * 2 ** (attempt - 1)));
  }
}
