import { formatOf } from "../../plan/slabs.ts";
import type { Tape } from "../../plan/tape.ts";
import { noSizes } from "../../plan/tensor.ts";
import { packedScales } from "../packed/packed.wgsl.ts";
import { elementGroups, type KernelTarget, withPrelude } from "../prelude/prelude.ts";
import addParts from "./add-parts.wgsl" with { type: "text" };
import type { Product } from "./matmul.ts";
import { isNothing, productParams } from "./product-params.ts";
import { tileKernel } from "./tile.wgsl.ts";

/** Values of k in a part: always the same, so that an entry's bits depend neither on the batch's size nor on the largest one's. */
const PART = 512;
const TILE = 64;

/**
 * Whether a GPU would stand idle while few workgroups sum a long k, as C has an adapter's rank on one side and so few tiles. Software
 * adapters have too few cores for that to matter.
 */
export function isInParts(target: KernelTarget, { layout, m, n, residual, most }: Product): boolean {
  if (target.adapterClass === "software" || most === undefined || residual !== undefined) return false;
  const fixedSides = layout === "tn" ? [m, n] : [n];
  const narrow = fixedSides.some((side) => side(noSizes) > 0 && side(noSizes) <= TILE);
  // Where k is the batch's tokens, a small batch must be summed as a large one is.
  return narrow && (layout === "tn" || most.k > PART);
}

/** Sums parts of k apart, and then adds them up in their order. */
export function productInParts(tape: Tape, target: KernelTarget, spec: Product): void {
  const { layout, a, b, c, m, n, k } = spec;
  const most = spec.most!;
  const partsOf = (terms: number): number => Math.max(1, Math.ceil(terms / PART));
  const parts = tape.temporary(`parts of ${c.name}`, partsOf(most.k) * most.m * most.n * 4);
  tape.run(
    tileKernel(target, layout, false, formatOf(b), TILE, true),
    [a, b, parts, ...packedScales(b)],
    (s) => ({ ...productParams(spec, s), part_k4: PART / 4 }),
    (s) => (isNothing(spec, s) ? [0] : [Math.ceil(n(s) / TILE), Math.ceil(m(s) / TILE), partsOf(k(s))]),
    (s) => ({ flops: 2 * m(s) * n(s) * k(s), bytes: 4 * (m(s) + n(s)) * k(s) + 4 * m(s) * n(s) * partsOf(k(s)) }),
  );
  tape.run(
    withPrelude(target, "matmul add parts", addParts),
    [parts, c],
    (s) => ({ ...productParams(spec, s), parts: partsOf(k(s)) }),
    (s) => [isNothing(spec, s) ? 0 : elementGroups(m(s) * n(s))],
    (s) => ({ flops: m(s) * n(s) * partsOf(k(s)), bytes: 4 * m(s) * n(s) * (partsOf(k(s)) + 1) }),
  );
}
