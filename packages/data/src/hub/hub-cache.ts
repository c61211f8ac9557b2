import { writeAtomically } from "../files/atomic-file.ts";
import { builtin } from "../files/node-builtins.ts";
import type { HubRepo } from "./hub-names.ts";

const COMMIT = /^[0-9a-f]{40}$/;

/** The cache folder of huggingface_hub: `$HF_HUB_CACHE`, else `$HF_HOME/hub`, else `~/.cache/huggingface/hub`. */
export function hubCacheFolder(caller: string): string {
  const { join } = builtin("node:path", caller);
  const { HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME, XDG_CACHE_HOME } = globalThis.process.env;
  const home = HF_HOME ?? join(XDG_CACHE_HOME ?? join(builtin("node:os", caller).homedir(), ".cache"), "huggingface");
  return HF_HUB_CACHE ?? HUGGINGFACE_HUB_CACHE ?? join(home, "hub");
}

/** Where a repository's files lie, as Python's huggingface_hub lays them: `blobs` by checksum, `snapshots/COMMIT` links, `refs`. */
export interface RepoCache {
  blob(checksum: string): string;
  snapshot(commit: string): string;
  /** The commit that a branch or tag named when it was last looked up. */
  knownCommit(): Promise<string | undefined>;
  rememberCommit(commit: string): Promise<void>;
  /** Makes `snapshots/COMMIT/path` point to a blob. */
  link(commit: string, path: string, checksum: string): Promise<string>;
}

export function repoCache(repo: HubRepo, caller: string): RepoCache {
  const { join, dirname, relative } = builtin("node:path", caller);
  const { promises: fs } = builtin("node:fs", caller);
  const root = join(hubCacheFolder(caller), [`${repo.type}s`, ...repo.id.split("/")].join("--"));
  const ref = join(root, "refs", repo.revision);
  const snapshot = (commit: string) => join(root, "snapshots", commit);
  const blob = (checksum: string) => join(root, "blobs", checksum);
  return {
    blob,
    snapshot,
    knownCommit: async () => {
      if (COMMIT.test(repo.revision)) return repo.revision;
      const text = await fs.readFile(ref, "utf8").catch(() => "");
      return COMMIT.test(text.trim()) ? text.trim() : undefined;
    },
    rememberCommit: async (commit) => {
      if (commit === repo.revision) return;
      await fs.mkdir(dirname(ref), { recursive: true });
      await writeAtomically(ref, caller, (sink) => sink.append(new TextEncoder().encode(commit)));
    },
    link: async (commit, path, checksum) => {
      const pointer = join(snapshot(commit), path);
      await fs.mkdir(dirname(pointer), { recursive: true });
      if ((await fs.stat(pointer).catch(() => undefined)) !== undefined) return pointer;
      await fs.rm(pointer, { force: true });
      try {
        await fs.symlink(relative(dirname(pointer), blob(checksum)), pointer);
      } catch (cause) {
        // Windows without developer mode has no symlinks; huggingface_hub copies there too.
        if ((cause as NodeJS.ErrnoException).code !== "EPERM") throw cause;
        await fs.copyFile(blob(checksum), pointer);
      }
      return pointer;
    },
  };
}
