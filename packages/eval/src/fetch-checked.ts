import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

export interface CheckedFile {
  url: string;
  /** Where the file shall lie. */
  target: string;
  /** The SHA-256 it must have, in hex. */
  sha256: string;
}

/**
 * Brings a file to its place unless it is there already; either way its SHA-256 is checked. Written under another name
 * and renamed, so that an interrupted fetch leaves nothing that looks whole. Throws naming address, status or both sums.
 */
export async function fetchChecked({ url, target, sha256 }: CheckedFile, signal?: AbortSignal): Promise<void> {
  if (existsSync(target)) {
    checkSum(readFileSync(target), sha256, target);
    return;
  }
  const response = await fetch(url, signal ? { signal } : {}).catch((cause: Error) => {
    signal?.throwIfAborted();
    throw new Error(
      `fetchChecked: ${url} cannot be reached (${cause.message}); check the network, or put the file at ${target}`,
      { cause },
    );
  });
  if (!response.ok)
    throw new Error(`fetchChecked: ${url} answered ${response.status}; check the network, or put the file at ${target}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  checkSum(bytes, sha256, url);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(`${target}.part`, bytes);
  renameSync(`${target}.part`, target);
}

function checkSum(bytes: Uint8Array, expected: string, place: string): void {
  const found = createHash("sha256").update(bytes).digest("hex");
  if (found !== expected)
    throw new Error(`fetchChecked: ${place} has SHA-256 ${found}, expected ${expected}; remove it and fetch again`);
}
