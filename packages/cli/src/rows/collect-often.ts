import { setFlagsFromString } from "node:v8";

/**
 * Lets V8 collect garbage sooner in this process, for about a tenth of its time. A request outlives the collections of the young generation
 * while it waits for its answer, so that V8 doubles that generation and moves requests on to the old one, which it lets grow to several times
 * what is in use: 250 MiB are taken for 25. Other engines have no such switches.
 */
export function collectOften(): void {
  if ("Bun" in globalThis || "Deno" in globalThis) return;
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--heap-growing-percent=30");
}
