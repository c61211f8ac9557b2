/**
 * Remembers short texts and tells whether a new one says nearly the same as an earlier one: Jaccard similarity of word pairs
 * at or above `threshold`, looked up through an index of the pairs, so that the cost does not grow with the texts known.
 */
export function nearDuplicates(threshold = 0.8): (text: string) => boolean {
  const sizes: number[] = [];
  const postings = new Map<string, number[]>();
  return (text) => {
    const pairs = wordPairs(text);
    const shared = new Map<number, number>();
    for (const pair of pairs) for (const id of postings.get(pair) ?? []) shared.set(id, (shared.get(id) ?? 0) + 1);
    for (const [id, count] of shared) if (count / (pairs.size + sizes[id]! - count) >= threshold) return true;
    const id = sizes.push(pairs.size) - 1;
    for (const pair of pairs) {
      const list = postings.get(pair);
      if (list === undefined) postings.set(pair, [id]);
      // A pair that is everywhere ("what is") tells nothing and would make the look-up slow.
      else if (list.length < 1000) list.push(id);
    }
    return false;
  };
}

function wordPairs(text: string): Set<string> {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  if (words.length < 2) return new Set(words);
  return new Set(words.slice(1).map((word, i) => `${words[i]} ${word}`));
}
