import { average, sampleDeviation } from "../statistics/interval.ts";
import type { Metrics } from "./task.ts";

/** Mean of each metric over the documents, and its standard error as `NAME_stderr`. */
export function summarise(perDocument: readonly Metrics[]): Record<string, number> {
  const names = Object.keys(perDocument[0]!);
  return Object.fromEntries(
    names.flatMap((name) => {
      const values = perDocument.map((metrics) => metrics[name]!);
      const mean = average(values);
      return [
        [name, mean],
        [`${name}_stderr`, sampleDeviation(values, mean) / Math.sqrt(values.length)],
      ];
    }),
  );
}
