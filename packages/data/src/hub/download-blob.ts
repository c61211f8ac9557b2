import { builtin } from "../files/node-builtins.ts";
import { type HubFile, hubToken } from "./hub-api.ts";

const ATTEMPTS = 6;
const FIRST_WAIT_MS = 250;

/** An answer that another attempt will not change. */
class FinalAnswer extends Error {}

/**
 * Fetches a file to `target`, going on at the byte where an earlier try was cut, also one of another process: the part lies in
 * `target.incomplete`, as huggingface_hub has it. The checksum is verified before the file gets its name.
 */
export async function downloadBlob(address: string, target: string, file: HubFile, caller: string): Promise<void> {
  const { promises: fs } = builtin("node:fs", caller);
  const part = `${target}.incomplete`;
  await fs.mkdir(builtin("node:path", caller).dirname(target), { recursive: true });
  for (let attempt = 1; ; attempt++) {
    try {
      await fetchRest(address, part, file, caller);
      break;
    } catch (cause) {
      if (cause instanceof FinalAnswer || attempt === ATTEMPTS) {
        throw new Error(
          `${caller}: ${address}: ${(cause as Error).message} (attempt ${attempt}); run again to go on where it stopped`,
          { cause },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, FIRST_WAIT_MS * 2 ** (attempt - 1)));
    }
  }
  const found = await checksumOf(part, file, caller);
  if (found !== file.checksum) {
    await fs.rm(part);
    throw new Error(
      `${caller}: ${address}: the content's checksum is ${found}, but the Hub lists ${file.checksum}; the part was removed, run again`,
    );
  }
  await fs.rename(part, target);
}

async function fetchRest(address: string, part: string, { size }: HubFile, caller: string): Promise<void> {
  const { promises: fs } = builtin("node:fs", caller);
  const output = await fs.open(part, "a");
  try {
    let have = (await output.stat()).size;
    if (have > size) {
      await output.truncate();
      have = 0;
    }
    if (have === size) return;
    const token = hubToken();
    const headers = { ...(token ? { authorization: `Bearer ${token}` } : {}), ...(have > 0 ? { range: `bytes=${have}-` } : {}) };
    const answer = await fetch(address, { headers });
    if (!answer.ok || !answer.body) {
      const retry = answer.status === 429 || answer.status >= 500;
      await answer.body?.cancel();
      throw new (retry ? Error : FinalAnswer)(`status ${answer.status}`);
    }
    if (have > 0 && answer.status !== 206) {
      await output.truncate();
      have = 0;
    }
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
      have += chunk.length;
      if (have > size) throw new FinalAnswer(`sends more than the ${size} bytes that the Hub lists`);
      await output.appendFile(chunk);
    }
    if (have < size) throw new Error(`ended after ${have} of ${size} bytes`);
    await output.sync();
  } finally {
    await output.close();
  }
}

/** sha256 of a large file; of a small one the git blob id, sha1 over `blob SIZE\0` and the content. */
async function checksumOf(path: string, { large, size }: HubFile, caller: string): Promise<string> {
  const hash = builtin("node:crypto", caller).createHash(large ? "sha256" : "sha1");
  if (!large) hash.update(`blob ${size}\0`);
  for await (const chunk of builtin("node:fs", caller).createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}
