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

/**
 * Places every temporary of a sequence of launches in as few bytes as a greedy best fit finds: a tensor takes the smallest
 * free slot that holds it, or grows the largest free one, from its first use to its last.
 */
export function planMemory(dispatches: Dispatch[], keep: ReadonlySet<Tensor> = new Set()): MemoryPlan {
  const lastUse = new Map<Tensor, number>();
  dispatches.forEach((dispatch, index) => {
    for (const tensor of dispatch.tensors) if (!tensor.place) lastUse.set(tensor, keep.has(tensor) ? dispatches.length : index);
  });
  const slots: Slot[] = [];
  const free: Slot[] = [];
  const slotOf = new Map<Tensor, Slot>();
  dispatches.forEach((dispatch, index) => {
    for (const tensor of dispatch.tensors) {
      if (tensor.place || slotOf.has(tensor)) continue;
      const slot = takeSlot(free, tensor.bytes) ?? addTo(slots);
      slot.bytes = Math.max(slot.bytes, tensor.bytes);
      slot.tensors.push(tensor);
      slotOf.set(tensor, slot);
    }
    for (const tensor of new Set(dispatch.tensors)) {
      if (lastUse.get(tensor) === index) free.push(slotOf.get(tensor)!);
    }
  });
  return { slots, bytes: slots.reduce((sum, slot) => sum + slot.bytes, 0), slotOf };
}

function takeSlot(free: Slot[], bytes: number): Slot | undefined {
  if (free.length === 0) return undefined;
  const fitting = free.filter((slot) => slot.bytes >= bytes);
  const best =
    fitting.length > 0
      ? fitting.reduce((a, b) => (b.bytes < a.bytes ? b : a))
      : free.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  free.splice(free.indexOf(best), 1);
  return best;
}

function addTo(slots: Slot[]): Slot {
  const slot: Slot = { bytes: 0, tensors: [] };
  slots.push(slot);
  return slot;
}
