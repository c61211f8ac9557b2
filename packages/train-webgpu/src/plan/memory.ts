import type { Dispatch } from "./tape.ts";
import type { Tensor } from "./tensor.ts";

/** A buffer that several temporaries use one after the other. */
export interface Slot {
  bytes: number;
  tensors: Tensor[];
}

export interface MemoryPlan {
  slots: Slot[];
  /** Bytes of all slots together. */
  bytes: number;
  slotOf: Map<Tensor, Slot>;
}

/** First and last launch that a tensor is used by. */
interface Lifetime {
  tensor: Tensor;
  first: number;
  last: number;
}

/**
 * Places every temporary of a sequence of launches in as few bytes as a greedy choice finds: the largest tensors first, each in the
 * smallest slot that is free from its first use to its last, or in a slot of its own (Pisarchyk and Lee 2020, arXiv 2001.03288, 4.3).
 * So a small tensor that lives long never keeps a large slot from what needs it.
 */
export function planMemory(dispatches: Dispatch[], keep: ReadonlySet<Tensor> = new Set()): MemoryPlan {
  const lifetimes = lifetimesOf(dispatches, keep).sort((a, b) => b.tensor.bytes - a.tensor.bytes || a.first - b.first);
  const slots: { slot: Slot; taken: Lifetime[] }[] = [];
  const slotOf = new Map<Tensor, Slot>();
  for (const lifetime of lifetimes) {
    const { tensor, first, last } = lifetime;
    // Slots are made in the order of their size, so the last free one is the smallest.
    let found = slots.findLast(({ taken }) => taken.every((other) => other.last < first || last < other.first));
    if (!found) {
      found = { slot: { bytes: tensor.bytes, tensors: [] }, taken: [] };
      slots.push(found);
    }
    found.taken.push(lifetime);
    found.slot.tensors.push(tensor);
    slotOf.set(tensor, found.slot);
  }
  return { slots: slots.map(({ slot }) => slot), bytes: slots.reduce((sum, { slot }) => sum + slot.bytes, 0), slotOf };
}

function lifetimesOf(dispatches: Dispatch[], keep: ReadonlySet<Tensor>): Lifetime[] {
  const lifetimes = new Map<Tensor, Lifetime>();
  dispatches.forEach((dispatch, index) => {
    for (const tensor of dispatch.tensors) {
      if (tensor.place) continue;
      const last = keep.has(tensor) ? dispatches.length : index;
      const lifetime = lifetimes.get(tensor);
      if (lifetime) lifetime.last = last;
      else lifetimes.set(tensor, { tensor, first: index, last });
    }
  });
  return [...lifetimes.values()];
}
