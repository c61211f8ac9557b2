import { openCLibrary } from "./c-library.ts";
import { type Driver, privateLibraries } from "./driver.ts";

/**
 * Makes this process's Dawn (npm `webgpu`) find `driver`, in process: no restart, no wrapper.
 *
 * The linker reads LD_LIBRARY_PATH only at the start of a process, so the driver's private libraries are loaded now by their full paths,
 * dependencies first; later look-ups by name then find them. VK_DRIVER_FILES is set for the Vulkan loader. Works before the first `create()` and
 * also after a `create()` whose `requestAdapter()` gave null: call `create()` again, the old instance does not look again.
 * Resolves to the environment variables that were set. Throws when a library is missing or refused, and in a Node worker thread whose main
 * thread has not activated the driver.
 *
 * ```ts
 * const driver = await ensureDriver();
 * await activateDriver(driver); // { VK_DRIVER_FILES: "..." }
 * ```
 */
export async function activateDriver(driver: Driver): Promise<Readonly<Record<string, string>>> {
  const library = await openCLibrary();
  for (const file of privateLibraries(driver)) library.load(file);
  const set = { VK_DRIVER_FILES: driver.icdFile };
  for (const [name, value] of Object.entries(set)) library.setEnvironment(name, value);
  return set;
}
