export type RepoType = "dataset" | "model";

/** A place on the Hub; `revision` is a branch, a tag or a commit. */
export interface HubRepo {
  type: RepoType;
  id: string;
  revision: string;
}

const NAME = /^(?!.*(\.\.|--))[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9_])?$/;

/** Whether a path of a repository stays inside it, on every system. */
export function isPlainPath(path: string): boolean {
  if (path === "" || path.includes("\\") || path.includes("\0") || /^[A-Za-z]:/.test(path)) return false;
  return path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

/**
 * Checks what becomes part of an address and of a folder name.
 *
 * @throws TypeError for an id that is not `name` or `owner/name`, or a revision that could leave the cache folder.
 */
export function hubRepo(type: RepoType, id: string, revision: string, caller: string): HubRepo {
  const parts = id.split("/");
  if (parts.length > 2 || !parts.every((part) => NAME.test(part))) {
    throw new TypeError(`${caller}: ${JSON.stringify(id)} is no Hub id; write owner/name`);
  }
  if (!isPlainPath(revision))
    throw new TypeError(`${caller}: ${JSON.stringify(revision)} is no revision; give a branch, a tag or a commit`);
  return { type, id, revision };
}

/** Refuses a file name from the Hub that would be written outside its folder. */
export function checkFileName(path: string, caller: string): string {
  if (isPlainPath(path)) return path;
  throw new RangeError(
    `${caller}: the Hub lists the file ${JSON.stringify(path)}, which would lie outside the cache folder; nothing of it was fetched`,
  );
}
