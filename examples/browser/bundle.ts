import { type BuildOptions, type BuildResult, build } from "esbuild";
import { withoutNode } from "../../tools/without-node.ts";

/** A script for a page: an entry and what it imports, with the packages' sources and nothing that only Node has. */
export async function bundleForBrowser(
  entry: string,
  format: Pick<BuildOptions, "format" | "globalName"> = { format: "esm" },
): Promise<BuildResult<{ metafile: true; write: false }>> {
  return build({
    ...format,
    entryPoints: [entry],
    bundle: true,
    platform: "browser",
    target: "es2023",
    // `using` is newer than most browsers in use.
    supported: { using: false },
    conditions: ["zephyr-source"],
    loader: { ".wgsl": "text" },
    plugins: [withoutNode],
    sourcemap: "inline",
    metafile: true,
    write: false,
    logLevel: "silent",
  });
}
