// What decodes to arrays must not grow without bound from a few bytes: runs of equal values cost nothing in the file.
import { coded, type FileErrorCode } from "../files/file-error.ts";

const MOST_PAGE_VALUES = 2 ** 24;
const MOST_PAGE_BYTES = 2 ** 28;
const MOST_LIST_VALUES = 2 ** 27;
const FREE_LIST_VALUES = 2 ** 23;
const LIST_VALUES_PER_BYTE = 512;
/** A group that unpacks to more than this, and to more than 256 times its bytes, is no data but a bomb. */
const FREE_GROUP_BYTES = 2 ** 28;
const UNPACKED_PER_BYTE = 256;

/** Refuses what only an attack on memory would hold; such a file may agree with itself in every number. */
function checkSize(size: number, most: number, what: string): void {
  if (size > most) throw coded(new RangeError(`${what} ${size}, at most ${most} are taken`), "TOO_LONG");
}

/** Refuses a group whose columns unpack to far more than any honest text would. */
export function checkExpansion(packed: number, unpacked: number): void {
  checkSize(unpacked, Math.max(FREE_GROUP_BYTES, packed * UNPACKED_PER_BYTE), `its ${packed} bytes unpack to`);
}

/** Refuses a column chunk of more list entries than its bytes could honestly hold. */
export function checkListValues(values: number, bytes: number): void {
  const most = Math.min(MOST_LIST_VALUES, Math.max(FREE_LIST_VALUES, bytes * LIST_VALUES_PER_BYTE));
  checkSize(values, most, "the number of its list entries is");
}

/** Refuses a page that is larger than any honest one. */
export function checkPage(bytes: number, values: number): void {
  checkSize(bytes, MOST_PAGE_BYTES, "the bytes of a page are");
  checkSize(values, MOST_PAGE_VALUES, "the values of a page are");
}

/** The code of an error in a file: memory is the one thing that an honest file can be at fault for. */
export function codeOf(cause: unknown): FileErrorCode {
  return (cause as { code?: unknown }).code === "TOO_LONG" ? "TOO_LONG" : "BAD_PARQUET";
}
