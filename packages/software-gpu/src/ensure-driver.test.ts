import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ensureDriver, prepareFolder } from "./ensure-driver.ts";
import { cachedFolder, findDriver } from "./find-driver.ts";
import { installedDriver } from "./installed.ts";
import type { PrepareProgress } from "./progress.ts";

let scratch = "";
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "driver-"));
  vi.stubEnv("XDG_CACHE_HOME", join(scratch, "cache"));
  for (const name of ["ZEPHYR_DRIVER_DIR", "ZEPHYR_SOFTWARE_GPU", "VK_DRIVER_FILES", "LD_LIBRARY_PATH"])
    vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(scratch, { recursive: true });
});

// Finding and preparing read a driver's ELF headers but do not run it, so any real library can stand for one.
const searchDirectories = ["/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/lib64", "/usr/lib64", "/usr/lib"];
const realLibrary = searchDirectories.map((directory) => join(directory, "libstdc++.so.6")).find((path) => existsSync(path))!;

/** Fills a folder as a download would, counting how often it is asked to. */
function filler(delay = 0) {
  const calls: string[] = [];
  const fill = async (folder: string) => {
    calls.push(folder);
    await new Promise((resolve) => setTimeout(resolve, delay));
    mkdirSync(join(folder, "lib"));
    copyFileSync(realLibrary, join(folder, "lib", "libvulkan_lvp.so"));
    copyFileSync(realLibrary, join(folder, "lib", "libvulkan.so.1"));
    writeFileSync(
      join(folder, "icd.json"),
      JSON.stringify({ ICD: { library_path: "./lib/libvulkan_lvp.so", api_version: "1.4.305" } }),
    );
    return "a test driver";
  };
  return { calls, fill };
}

const prepare = (fill: (folder: string) => Promise<string>, onProgress: (progress: PrepareProgress) => void = () => {}) =>
  prepareFolder(cachedFolder("lavapipe"), "lavapipe", fill, onProgress);

describe.runIf(process.platform === "linux")("preparing a driver", () => {
  test("two at once fill the folder once, and findDriver then finds it", async () => {
    const { calls, fill } = filler(300);
    // Either may take the lock first; the other one says that it waits.
    const progress: PrepareProgress[] = [];
    const report = (step: PrepareProgress) => progress.push(step);
    const drivers = await Promise.all([prepare(fill, report), prepare(fill, report)]);
    expect(calls).toHaveLength(1);
    expect(drivers[0]).toEqual(drivers[1]);
    expect(progress.filter(({ stage }) => stage === "wait")).toHaveLength(1);
    expect((await findDriver({ kind: "lavapipe" }))?.icdFile).toBe(join(cachedFolder("lavapipe"), "icd.json"));
    expect(await findDriver({ kind: "swiftshader" })).toBeUndefined();
  });

  test("a failure leaves nothing behind, neither a half-filled folder nor the lock", async () => {
    const fail = async (folder: string) => {
      writeFileSync(join(folder, "part"), "half");
      throw new Error("the network went away");
    };
    await expect(prepare(fail)).rejects.toThrow("the network went away");
    expect(readdirSync(join(scratch, "cache", "zephyr", "software-gpu"))).toEqual([]);
    expect((await prepare(filler().fill)).kind).toBe("lavapipe");
  });

  test("a file cut short is not found, and one with a changed byte is made again", async () => {
    const { calls, fill } = filler();
    const driver = await prepare(fill);
    const library = join(cachedFolder("lavapipe"), "lib", "libvulkan.so.1");
    truncateSync(library, 100);
    expect(await findDriver({ kind: "lavapipe" })).toBeUndefined();
    await expect(ensureDriver({ kind: "lavapipe", allowDownload: false })).rejects.toThrow(
      "libvulkan.so.1 has 100 bytes, expected",
    );
    await prepare(fill);
    const bytes = readFileSync(library);
    bytes[1000]! ^= 1;
    writeFileSync(library, bytes);
    expect(await prepare(fill)).toEqual(driver);
    expect(calls).toHaveLength(3);
  });

  test("the lock of a dead process and one without a heartbeat are taken over", async () => {
    const lock = `${cachedFolder("lavapipe")}.lock`;
    mkdirSync(join(lock, ".."), { recursive: true });
    writeFileSync(lock, JSON.stringify({ host: hostname(), pid: 2 ** 30 }));
    await prepare(filler().fill);
    expect(existsSync(lock)).toBe(false);
    writeFileSync(lock, JSON.stringify({ host: "another", pid: 1 }));
    utimesSync(lock, new Date(0), new Date(0));
    await prepare(filler().fill);
    expect(existsSync(lock)).toBe(false);
  });
});

describe.runIf(process.platform === "linux")("finding a driver", () => {
  test("ZEPHYR_DRIVER_DIR takes a copied folder, and refuses one without a driver by name", async () => {
    await filler().fill(scratch);
    vi.stubEnv("ZEPHYR_DRIVER_DIR", scratch);
    const driver = await findDriver();
    expect(driver?.environment.VK_DRIVER_FILES).toBe(join(scratch, "icd.json"));
    expect(driver?.environment.LD_LIBRARY_PATH?.split(":")).toContain(join(scratch, "lib"));
    await expect(findDriver({ kind: "swiftshader" })).rejects.toThrow("holds lavapipe, wanted is swiftshader");
    vi.stubEnv("ZEPHYR_DRIVER_DIR", join(scratch, "absent"));
    await expect(findDriver()).rejects.toThrow(`${join(scratch, "absent")} holds no ICD manifest`);
  });

  test("a process started by one that activated a cached driver finds the same driver", async () => {
    const driver = await prepare(filler().fill);
    vi.stubEnv("VK_DRIVER_FILES", driver.icdFile);
    const child = await findDriver();
    expect(child?.icdFile).toBe(driver.icdFile);
    expect(child?.searchDirectories).toEqual(driver.searchDirectories);
  });

  test("a driver that VK_DRIVER_FILES names is passed over when Dawn would refuse its Mesa or the loader is not beside it", async () => {
    vi.stubEnv("VK_DRIVER_FILES", join(scratch, "icd.json"));
    await filler().fill(scratch);
    const search = () => ensureDriver({ kind: "lavapipe", allowDownload: false });
    expect((await search()).description).toContain("named by VK_DRIVER_FILES");
    const library = join(scratch, "lib", "libvulkan_lvp.so");
    writeFileSync(library, "Mesa 22.3.6");
    await expect(search()).rejects.toThrow(`${library} is of Mesa 22, Dawn needs 25 or newer`);
    copyFileSync(realLibrary, library);
    rmSync(join(scratch, "lib", "libvulkan.so.1"));
    await expect(search()).rejects.toThrow("no libvulkan.so.1 beside its library nor on LD_LIBRARY_PATH");
  });

  test("an unknown ZEPHYR_SOFTWARE_GPU is an error with the known ones", async () => {
    vi.stubEnv("ZEPHYR_SOFTWARE_GPU", "llvmpipe");
    await expect(findDriver()).rejects.toThrow('is "llvmpipe"; set it to "lavapipe" or "swiftshader"');
  });

  test.each([
    [22, false],
    [24, false],
    [25, true],
    [100, true],
  ])("an installed lavapipe of Mesa %i is taken: %s", (major, taken) => {
    mkdirSync(join(scratch, "usr/share/vulkan/icd.d"), { recursive: true });
    mkdirSync(join(scratch, "usr/lib64"), { recursive: true });
    writeFileSync(
      join(scratch, "usr/share/vulkan/icd.d/lvp_icd.json"),
      JSON.stringify({ ICD: { library_path: "libvulkan_lvp.so" } }),
    );
    writeFileSync(join(scratch, "usr/share/vulkan/icd.d/broken.json"), "{");
    writeFileSync(join(scratch, "usr/lib64/libvulkan_lvp.so"), `\u007fELF ${major}.0.7-2Mesa ${major}.0.7-2 (LLVM`);
    writeFileSync(join(scratch, "usr/lib64/libvulkan.so.1"), "");
    const rejected: string[] = [];
    const driver = installedDriver(rejected, scratch);
    expect(driver !== undefined).toBe(taken);
    if (!taken) expect(rejected[0]).toContain(`is of Mesa ${major}, Dawn needs 25 or newer`);
    else expect(driver?.environment).toEqual({ VK_DRIVER_FILES: join(scratch, "usr/share/vulkan/icd.d/lvp_icd.json") });
  });
});
