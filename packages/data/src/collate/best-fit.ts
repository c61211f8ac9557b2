/** A set of whole numbers 1..capacity that finds its smallest member from some number on in O(log capacity). */
interface SpaceSet {
  add(space: number): void;
  remove(space: number): void;
  /** The smallest member >= `least`. */
  search(least: number): number | undefined;
}

/** A binary tree over the spaces; each node counts the members below it. */
function spaceSet(capacity: number): SpaceSet {
  let leaves = 1;
  while (leaves <= capacity) leaves *= 2;
  const members = new Uint32Array(2 * leaves);
  const change = (space: number, by: 1 | -1): void => {
    for (let node = leaves + space; node >= 1; node >>= 1) members[node] = members[node]! + by;
  };
  return {
    add: (space) => members[leaves + space] === 0 && change(space, 1),
    remove: (space) => members[leaves + space] === 1 && change(space, -1),
    search: (least) => {
      let node = leaves + least;
      while (members[node] === 0) {
        while (node % 2 === 1) {
          if (node === 1) return undefined;
          node >>= 1;
        }
        node++;
      }
      while (node < leaves) node = members[2 * node]! > 0 ? 2 * node : 2 * node + 1;
      return node - leaves;
    },
  };
}

/**
 * Best fit decreasing: the longest item first, each into the bin that it leaves fullest; of bins with equal space the one that got that
 * space first. Returns the item numbers of each bin, bins in order of opening.
 *
 * @param lengths [N] each 1..capacity
 */
export function bestFitDecreasing(lengths: readonly number[], capacity: number): number[][] {
  const order = lengths.map((_, index) => index).sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  const spaces = spaceSet(capacity);
  const binsWith = new Map<number, number[]>();
  const bins: number[][] = [];
  for (const index of order) {
    const length = lengths[index]!;
    const space = spaces.search(length);
    let bin: number;
    if (space === undefined) bin = bins.push([]) - 1;
    else {
      const queue = binsWith.get(space)!;
      bin = queue.shift()!;
      if (queue.length === 0) spaces.remove(space);
    }
    bins[bin]!.push(index);
    const left = (space ?? capacity) - length;
    if (left === 0) continue;
    const queue = binsWith.get(left) ?? [];
    queue.push(bin);
    binsWith.set(left, queue);
    spaces.add(left);
  }
  return bins;
}
