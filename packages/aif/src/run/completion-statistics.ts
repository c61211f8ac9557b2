import { type CompletionEntry, type CompletionsRow, readRows } from "@zephyr/data";
import type { RowFailure } from "../row-failure.ts";

/** What a file of completions looks like as a whole. */
export interface CompletionStatistics {
  models: Record<string, { completions: number; truncated: number; characters: number; served: string[] }>;
  /** Completions by the principle they were asked to follow. */
  principles: Record<string, number>;
  /** Failed rows by kind. */
  failures: Record<string, number>;
}

/** Reads completions, and the failed rows if there are any, once and counts. */
export async function completionStatistics(
  rows: AsyncIterable<CompletionsRow>,
  failedRows?: string | undefined,
): Promise<CompletionStatistics> {
  const models: CompletionStatistics["models"] = {};
  const principles: Record<string, number> = {};
  const failures: Record<string, number> = {};
  for await (const { completions } of rows) {
    for (const completion of completions) {
      const { model, content, principle, truncated, served_model } = completion as CompletionEntry & { served_model?: unknown };
      models[model] ??= { completions: 0, truncated: 0, characters: 0, served: [] };
      const own = models[model];
      own.completions++;
      own.characters += content.length;
      if (truncated === true) own.truncated++;
      if (typeof served_model === "string" && !own.served.includes(served_model)) own.served.push(served_model);
      if (principle !== undefined) principles[principle] = (principles[principle] ?? 0) + 1;
    }
  }
  if (failedRows !== undefined)
    for await (const { kind } of readRows<Pick<RowFailure, "kind"> & object>(failedRows))
      failures[kind] = (failures[kind] ?? 0) + 1;
  return { models, principles, failures };
}
