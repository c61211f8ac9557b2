import type { Candidate } from "./rule.ts";

/**
 * A label for every completion on its own, as KTO takes them (Ethayarajh et al. 2024): desirable from `threshold` up.
 * A single rated completion is enough.
 */
export function unpaired(candidates: readonly Candidate[], threshold: number): { candidate: Candidate; label: boolean }[] {
  return candidates.map((candidate) => ({ candidate, label: candidate.score >= threshold }));
}
