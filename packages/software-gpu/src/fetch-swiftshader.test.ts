import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { packageMember } from "./fetch-swiftshader.ts";
import { readTar } from "./tar.ts";

const scratch = mkdtempSync(join(tmpdir(), "tar-"));
afterAll(() => rmSync(scratch, { recursive: true }));
mkdirSync(join(scratch, "package", "bin"), { recursive: true });
for (const bytes of [0, 1, 511, 512, 513]) writeFileSync(join(scratch, "package", "bin", `${bytes}.bin`), Buffer.alloc(bytes, 7));
execFileSync("tar", ["--format=ustar", "-czf", "package.tgz", "package"], { cwd: scratch });
const tarball = readFileSync(join(scratch, "package.tgz"));
const sha512 = createHash("sha512").update(tarball).digest("base64");

test("readTar gives every regular file with its bytes, at every block boundary", () => {
  const sizes = [...readTar(gunzipSync(tarball))].map(({ path, content }) => [
    path,
    content.length,
    content.every((byte) => byte === 7),
  ]);
  expect(sizes.sort()).toEqual([0, 1, 511, 512, 513].map((bytes) => [`package/bin/${bytes}.bin`, bytes, true]).sort());
});

test("readTar refuses a damaged header and an archive cut short", () => {
  const archive = gunzipSync(tarball);
  const damaged = Uint8Array.from(archive);
  damaged[0] = damaged[0]! ^ 1;
  expect(() => [...readTar(damaged)]).toThrow("header at byte 0 has checksum");
  const last = [...readTar(archive)].filter(({ content }) => content.length > 0).at(-1)!;
  const end = last.content.byteOffset - archive.byteOffset + last.content.length;
  expect(() => [...readTar(archive.subarray(0, end - 1))]).toThrow("it is cut short");
});

test("a tarball is unpacked only when its SHA-512 is the committed one", () => {
  expect(packageMember(tarball, sha512, "package/bin/513.bin")).toHaveLength(513);
  const changed = Buffer.from(tarball);
  changed[changed.length - 1]! ^= 1;
  expect(() => packageMember(changed, sha512, "package/bin/513.bin")).toThrow("it was not unpacked");
  expect(() => packageMember(tarball, sha512, "package/bin/absent")).toThrow("has no package/bin/absent");
});
