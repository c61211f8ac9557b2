import type { Capacity } from "./stream.ts";

/** Grows a capacity so that it holds `needed`, in steps that keep rebuilding rare; undefined where it holds it already. */
export function grow(capacity: Capacity | undefined, needed: Capacity): Capacity | undefined {
  if (
    capacity &&
    capacity.tokens >= needed.tokens &&
    capacity.sequences >= needed.sequences &&
    capacity.labelled >= needed.labelled
  ) {
    return undefined;
  }
  const round = (count: number, before: number, unit: number): number =>
    Math.max(before, Math.ceil((count * 1.25) / unit) * unit);
  return {
    tokens: round(needed.tokens, capacity?.tokens ?? 0, 128),
    sequences: round(needed.sequences, capacity?.sequences ?? 0, 8),
    labelled: round(needed.labelled, capacity?.labelled ?? 0, 128),
  };
}
