import { readFileSync } from "node:fs";

/** Vite plugin: a `.wgsl` import becomes a string module, as in the built packages. */
export const wgslPlugin = {
  name: "wgsl",
  enforce: "pre" as const,
  load(id: string): string | undefined {
    return id.endsWith(".wgsl") ? `export default ${JSON.stringify(readFileSync(id, "utf8"))}` : undefined;
  },
};
