/**
 * What is wrong with a file, for code that must tell cases apart:
 * - `NOT_JSON`, `NOT_UTF8`: bytes that are no text, or text that is no JSON
 * - `NOT_A_ROW`: JSON that is no object
 * - `CUT_OFF`: the end is missing
 * - `TOO_LONG`: a row, or a Parquet page or group, larger than any honest one: the file would fill the memory
 * - `BAD_ARCHIVE`: gzip or zstd data that is corrupt or cut off
 * - `BAD_PARQUET`: footer or pages that contradict themselves or the file
 * - `NO_COLUMN`: a column that was asked for is not there
 * - `UNKNOWN_FORMAT`: an ending that names no format
 */
export type FileErrorCode =
  | "NOT_JSON"
  | "NOT_UTF8"
  | "NOT_A_ROW"
  | "CUT_OFF"
  | "TOO_LONG"
  | "BAD_ARCHIVE"
  | "BAD_PARQUET"
  | "NO_COLUMN"
  | "UNKNOWN_FORMAT";

/** Gives an error its code. */
export function coded<E extends Error>(error: E, code: FileErrorCode): E & { code: FileErrorCode } {
  return Object.assign(error, { code });
}
