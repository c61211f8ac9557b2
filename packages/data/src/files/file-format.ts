import { coded } from "./file-error.ts";

export type Container = "jsonl" | "json" | "parquet";
export type Compression = "none" | "gzip" | "zstd";

export interface FileFormat {
  container: Container;
  compression: Compression;
}

const CONTAINERS: Record<string, Container> = { jsonl: "jsonl", ndjson: "jsonl", json: "json", parquet: "parquet" };

/** The format that a file's ending names: `.jsonl`, `.ndjson`, `.json`, each also with `.gz` or `.zst`, and `.parquet`. */
export function fileFormat(path: string, caller: string): FileFormat {
  const name = path.toLowerCase();
  const compression = name.endsWith(".gz") ? "gzip" : name.endsWith(".zst") ? "zstd" : "none";
  const bare = compression === "none" ? name : name.slice(0, name.lastIndexOf("."));
  const container = CONTAINERS[bare.slice(bare.lastIndexOf(".") + 1)];
  if (!container || (container === "parquet" && compression !== "none")) {
    const message = `${caller}: ${path}: the ending names no known format; use .jsonl, .json (both also .gz or .zst) or .parquet`;
    throw coded(new TypeError(message), "UNKNOWN_FORMAT");
  }
  return { container, compression };
}
