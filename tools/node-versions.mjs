// Other versions of Node to try things on: `ZEPHYR_NODE_VERSIONS="22 26"`. They come from npm, once, into node_modules/.cache.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";

const cache = join(import.meta.dirname, "../node_modules/.cache");

/** The programs by name: `{"node 22": "/path/to/node"}`. Linux alone, as the packages `node-linux-*` are. */
export function nodeVersions(wanted = process.env.ZEPHYR_NODE_VERSIONS ?? "") {
  return Object.fromEntries(
    wanted
      .split(/[\s,]+/)
      .filter((version) => version !== "")
      .map((version) => {
        if (!/^\d+(\.\d+){0,2}$/.test(version))
          throw new RangeError(`ZEPHYR_NODE_VERSIONS has ${JSON.stringify(version)}; give versions such as "22 26"`);
        const name = `node-linux-${process.arch}`;
        const folder = join(cache, `node-${version}`);
        const program = join(folder, "node_modules", name, "bin/node");
        if (!existsSync(program)) {
          mkdirSync(folder, { recursive: true });
          const quiet = ["--no-audit", "--no-fund", "--no-save", "--prefix", folder];
          execFileSync("npm", ["install", ...quiet, `${name}@${version}`], {
            cwd: folder,
            stdio: ["ignore", "ignore", "inherit"],
          });
        }
        return [`node ${version}`, program];
      }),
  );
}
