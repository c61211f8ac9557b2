/**
 * How many requests may be in flight: multiplied by 0.75 when the provider asks for less, doubled per round trip while
 * recovering, one more per round trip near the last limit that was too high (TCP's slow start and avoidance).
 */
export interface AdaptiveConcurrency {
  limit(): number;
  /** A request succeeded. */
  succeeded(): void;
  /** A request was refused; only one sent after the last decrease counts, so one storm is one decrease. */
  refused(sentAt: number, now: number): void;
}

export function adaptiveConcurrency(max: number): AdaptiveConcurrency {
  let limit = max;
  let ceiling = max;
  let hasWorked = true;
  let decreasedAt = Number.NEGATIVE_INFINITY;
  return {
    limit: () => Math.max(1, Math.floor(limit)),
    succeeded() {
      hasWorked = true;
      if (limit < max) limit = Math.min(max, limit + (limit < ceiling ? 1 : 1 / limit));
      else ceiling = max;
    },
    refused(sentAt, now) {
      if (sentAt < decreasedAt) return;
      // Several refusals in a row say nothing about the limit that worked before the first of them.
      if (hasWorked && limit >= ceiling) ceiling = Math.max(1, limit * 0.75);
      hasWorked = false;
      limit = Math.max(1, limit * 0.75);
      decreasedAt = now;
    },
  };
}
