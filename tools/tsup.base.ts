import type { Options } from "tsup";

/** The build every package shares: ESM with bundled types; `.wgsl` files are inlined as text. */
export const base: Options = {
  entry: ["src/index.ts"],
  format: ["esm"],
  target: "es2023",
  platform: "neutral",
  dts: { compilerOptions: { customConditions: [], rewriteRelativeImportExtensions: false } },
  sourcemap: true,
  clean: true,
  loader: { ".wgsl": "text" },
};
