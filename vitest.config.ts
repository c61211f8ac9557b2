import { defineConfig } from "vitest/config";
import { wgslPlugin } from "./tools/wgsl-plugin.ts";

const conditions = ["zephyr-source", "node", "import", "default"];

export default defineConfig({
  plugins: [wgslPlugin],
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "packages/*/test/**/*.test.ts", "tests/**/*.test.ts", "recipes/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
