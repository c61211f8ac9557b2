import { describe, expect, it } from "vitest";
import { type MemoryPlan, planMemory } from "./memory.ts";
import type { Dispatch } from "./tape.ts";
import type { Tensor } from "./tensor.ts";

const temporary = (name: string, bytes: number): Tensor => ({ name, bytes, needsGradient: false });

const dispatch = (...tensors: Tensor[]): Dispatch => ({
  kernel: { name: "none", wgsl: "" },
  tensors,
  params: () => ({}),
  grid: () => [1],
  work: () => ({ flops: 0, bytes: 0 }),
});

/** Integers below n from a seed. */
function integers(seed: number): (n: number) => number {
  let state = seed * 747796405 + 2891336453;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

/** A sequence of launches over a pool of tensors of which some are persistent and some are kept. */
function randomPlan(seed: number): { dispatches: Dispatch[]; keep: Set<Tensor> } {
  const below = integers(seed);
  const pool = Array.from({ length: 2 + below(25) }, (_, i) => temporary(`t${i}`, 256 * (1 + below(20))));
  for (const tensor of pool) if (below(8) === 0) tensor.place = { buffer: {} as GPUBuffer, offset: 0 };
  const keep = new Set(pool.filter(() => below(6) === 0));
  const length = 1 + below(40);
  const dispatches = Array.from({ length }, (_, at) => {
    // Neighbours in the pool are used at about the same time, so that lifetimes end.
    const centre = Math.floor((at / length) * pool.length);
    return dispatch(...Array.from({ length: 1 + below(5) }, () => pool[(centre + below(6)) % pool.length]!));
  });
  return { dispatches, keep };
}

/** Plays the launches through, writing each tensor's name into its slot at its first use: nobody may overwrite it until its last. */
function play({ slots, slotOf, bytes }: MemoryPlan, dispatches: Dispatch[], keep: ReadonlySet<Tensor>): void {
  const content = new Map<object, Tensor>();
  const begun = new Set<Tensor>();
  for (const { tensors } of dispatches) {
    const temporaries = tensors.filter((tensor) => !tensor.place);
    for (const tensor of temporaries) {
      const slot = slotOf.get(tensor)!;
      if (slot.bytes < tensor.bytes) throw new Error(`${tensor.name} does not fit its slot`);
      if (!begun.has(tensor)) content.set(slot, tensor);
      begun.add(tensor);
    }
    for (const tensor of temporaries) {
      const found = content.get(slotOf.get(tensor)!);
      if (found !== tensor) throw new Error(`${tensor.name} was overwritten by ${found?.name}`);
    }
  }
  for (const tensor of begun) {
    if (keep.has(tensor) && content.get(slotOf.get(tensor)!) !== tensor) throw new Error(`kept ${tensor.name} was overwritten`);
  }
  expect(new Set(slotOf.keys())).toEqual(begun);
  expect(slots.flatMap(({ tensors }) => tensors).length).toBe(begun.size);
  expect(slots.reduce((sum, slot) => sum + slot.bytes, 0)).toBe(bytes);
}

describe("planMemory", () => {
  it("never lets a tensor be overwritten between its first and last use, nor a kept one ever (300 random plans)", () => {
    let shared = 0;
    for (let seed = 1; seed <= 300; seed++) {
      const { dispatches, keep } = randomPlan(seed);
      const plan = planMemory(dispatches, keep);
      play(plan, dispatches, keep);
      shared += plan.slots.filter(({ tensors }) => tensors.length > 1).length;
    }
    expect(shared).toBeGreaterThan(300);
  });

  it("needs a checker that notices two tensors alive in one slot", () => {
    const [a, b] = [temporary("a", 256), temporary("b", 256)];
    const slot = { bytes: 256, tensors: [a, b] };
    const wrong = { slots: [slot], bytes: 256, slotOf: new Map([a, b].map((tensor) => [tensor, slot])) };
    expect(() => play(wrong, [dispatch(a), dispatch(b), dispatch(a)], new Set())).toThrow("a was overwritten by b");
    expect(() => play(wrong, [dispatch(a), dispatch(b)], new Set([a]))).toThrow("kept a was overwritten");
    expect(() => play(wrong, [dispatch(a), dispatch(b)], new Set())).not.toThrow();
  });

  it("runs a chain of any length in two slots", () => {
    const chain = Array.from({ length: 20 }, (_, i) => temporary(`t${i}`, 512));
    const dispatches = chain.slice(1).map((tensor, i) => dispatch(chain[i]!, tensor));
    expect(planMemory(dispatches)).toMatchObject({ bytes: 1024, slots: [{ bytes: 512 }, { bytes: 512 }] });
  });

  it("gives a kept tensor its slot for good", () => {
    const [a, b, c] = [temporary("a", 256), temporary("b", 256), temporary("c", 256)];
    const dispatches = [dispatch(a), dispatch(b), dispatch(c)];
    expect(planMemory(dispatches).slots.length).toBe(1);
    const plan = planMemory(dispatches, new Set([a]));
    expect(plan.slots.map(({ tensors }) => tensors)).toEqual([[a], [b, c]]);
  });

  it("takes the smallest slot that is free for a tensor's whole life", () => {
    const [small, large, middle] = [temporary("small", 256), temporary("large", 2048), temporary("middle", 1024)];
    const [fits, largest] = [temporary("fits", 1024), temporary("largest", 4096)];
    const fit = planMemory([dispatch(small, large, middle), dispatch(fits)]);
    expect(fit.slotOf.get(fits)).toBe(fit.slotOf.get(middle));
    expect(fit.bytes).toBe(256 + 2048 + 1024);
    const grown = planMemory([dispatch(small, large, middle), dispatch(largest)]);
    expect(grown.slotOf.get(large)).toBe(grown.slotOf.get(largest));
    expect(grown.bytes).toBe(256 + 4096 + 1024);
  });

  it("keeps what lives long and is small out of the slots of what is large", () => {
    // Layers whose small outputs wait for the backward pass, while each needs a large temporary of its own.
    const outputs = Array.from({ length: 8 }, (_, i) => temporary(`output ${i}`, 256));
    const forward = outputs.map((output, i) => [
      dispatch(...outputs.slice(Math.max(0, i - 1), i), temporary(`inner ${i}`, 4096)),
      dispatch(output),
    ]);
    const backward = outputs.toReversed().map((output, i) => dispatch(output, temporary(`again ${i}`, 4096)));
    expect(planMemory([...forward.flat(), ...backward]).bytes).toBe(4096 + 8 * 256);
  });

  it("frees a tensor once that a launch names twice", () => {
    const [a, b, c] = [temporary("a", 256), temporary("b", 256), temporary("c", 256)];
    const dispatches = [dispatch(a, a), dispatch(b, c)];
    expect(planMemory(dispatches).slots.length).toBe(2);
    play(planMemory(dispatches), dispatches, new Set());
  });

  it("places nothing that has a place, and nothing for no launches", () => {
    const persistent = { ...temporary("w", 256), place: { buffer: {} as GPUBuffer, offset: 0 } };
    expect(planMemory([dispatch(persistent)])).toEqual({ slots: [], bytes: 0, slotOf: new Map() });
    expect(planMemory([]).bytes).toBe(0);
  });
});
