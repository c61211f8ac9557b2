import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { ensureDriver, findDriver } from "../src/index.ts";

const root = join(import.meta.dirname, "../../..");
const smoke = join(import.meta.dirname, "smoke.mjs");
const runtimes = {
  node: [process.execPath],
  bun: [join(root, "node_modules/.bin/bun")],
  deno: [join(root, "node_modules/.bin/deno"), "run", "-A"],
};

async function run(command: readonly string[], kind: string, ...args: string[]) {
  const [program = "", ...before] = command;
  const { VK_DRIVER_FILES: _file, LD_LIBRARY_PATH: _path, ...environment } = process.env;
  const { stdout } = await promisify(execFile)(program, [...before, "--conditions=zephyr-source", smoke, ...args], {
    cwd: root,
    env: { ...environment, ZEPHYR_SOFTWARE_GPU: kind },
  });
  return JSON.parse(stdout);
}

describe.runIf(process.platform === "linux").each(Object.entries(runtimes))("on %s", (_name, command) => {
  let noLavapipe = "";
  beforeAll(async () => {
    noLavapipe = await ensureDriver({ kind: "lavapipe" }).then(
      () => "",
      // Only the answer "this machine has no packages of it" lets the tests be skipped; anything else is a failure.
      (error) => (error.code === "ERR_NO_SOFTWARE_GPU" ? error.message : Promise.reject(error)),
    );
  }, 600_000);

  test("lavapipe computes in the process that activated it", async ({ skip }) => {
    if (noLavapipe) skip(noLavapipe);
    const { kind, adapter, set } = await run(command, "lavapipe");
    expect(kind).toBe("lavapipe");
    expect(adapter).toContain("llvmpipe");
    expect(set).toHaveProperty("VK_DRIVER_FILES");
  });

  test("lavapipe is found also after Dawn has looked once in vain", async ({ skip }) => {
    if (noLavapipe) skip(noLavapipe);
    expect((await run(command, "lavapipe", "--late")).adapter).toContain("llvmpipe");
  });

  test("SwiftShader computes in the process that activated it", async ({ skip }) => {
    // 67 MB are too much to download unasked: `ZEPHYR_SOFTWARE_GPU=swiftshader` with the prepare script fetches it, as CI does.
    if (!(await findDriver({ kind: "swiftshader" }))) skip("SwiftShader is not prepared on this machine");
    expect((await run(command, "swiftshader")).adapter).toContain("SwiftShader");
  });
});
