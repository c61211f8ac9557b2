import { defineConfig } from "tsup";
import { base } from "../../tools/tsup.base.ts";

export default defineConfig({ ...base, entry: ["src/index.ts", "src/main.ts"], platform: "node", splitting: true });
