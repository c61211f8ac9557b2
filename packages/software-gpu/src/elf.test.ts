import { copyFileSync, existsSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { loadOrder, neededLibraries } from "./elf.ts";

const scratch = mkdtempSync(join(tmpdir(), "elf-"));
afterAll(() => rmSync(scratch, { recursive: true }));
const runtimeDirectories = ["/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/lib64", "/usr/lib64", "/usr/lib"].filter(
  (path) => existsSync(path),
);
const libstdcxx = runtimeDirectories.map((path) => join(path, "libstdc++.so.6")).find((path) => existsSync(path))!;

describe.runIf(process.platform === "linux")("ELF files", () => {
  test("the libraries of the running Node are read from its dynamic section", () => {
    const names = neededLibraries(process.execPath);
    expect(names).toContain("libc.so.6");
    expect(names).toContain("libstdc++.so.6");
    expect(names.every((name) => /\.so(\.\d+)*$/.test(name))).toBe(true);
  });

  test("what is no ELF file is refused by name", () => {
    const file = join(scratch, "text.so");
    writeFileSync(file, "not an object file, but longer than the sixty-four bytes of an ELF header would be");
    expect(() => neededLibraries(file)).toThrow(`${file} is no 64-bit little-endian ELF file`);
    writeFileSync(file, "");
    expect(() => neededLibraries(file)).toThrow("is no 64-bit little-endian ELF file");
  });

  test.each([100, 4096])("a library cut off at byte %i is refused", (length) => {
    const file = join(scratch, `cut-${length}.so`);
    copyFileSync(libstdcxx, file);
    truncateSync(file, length);
    expect(() => neededLibraries(file)).toThrow("it is cut short");
  });

  test("run-time libraries of C and C++ are never loaded from a private folder", () => {
    for (const name of ["libstdc++.so.6", "libm.so.6", "libgcc_s.so.1"])
      copyFileSync(join(libstdcxx, "..", name), join(scratch, name));
    const root = join(scratch, "libstdc++.so.6");
    expect(loadOrder([root], [scratch], { strict: true }).map((file) => basename(file))).toEqual(["libstdc++.so.6"]);
  });
});
