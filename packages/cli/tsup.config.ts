import { cpSync } from "node:fs";
import { defineConfig } from "tsup";
import { base } from "../../tools/tsup.base.ts";

export default defineConfig({
  ...base,
  entry: ["src/index.ts", "src/main.ts"],
  platform: "node",
  splitting: true,
  // The live view's page is served as it is written.
  onSuccess: async () => cpSync("src/watch/page", "dist/page", { recursive: true }),
});
