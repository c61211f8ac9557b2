import { rowDraw } from "./draw.ts";
import type { Settings } from "./options.ts";
import { type PairPresetName, pairPresets } from "./presets.ts";
import type { Candidate, Pair } from "./rules/rule.ts";
import type { Score } from "./scores.ts";

/** How often two presets agree, over the rows in which both give a pair. */
export interface Agreement {
  a: PairPresetName;
  b: PairPresetName;
  rows: number;
  /** Fractions of those rows; null where there is none. */
  same_chosen: number | null;
  same_pair: number | null;
}

/** Presets that give one pair a row, so that "the same pair" has a meaning. */
const compared: readonly PairPresetName[] = ["zephyr-paper", "h4", "argilla", "max-min", "margin"];

/** Runs every preset on every row, with the row's own draws, and counts where they meet. */
export class AgreementCounter {
  readonly #settings: Settings;
  readonly #counts = new Map<string, { rows: number; chosen: number; pair: number }>();

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** Bad ratings count as unrated here: what becomes of them is for the preset in use to decide. */
  addRow(promptId: string, means: readonly Score[], overalls: readonly Score[]): void {
    const candidates = { mean: rated(means), overall: rated(overalls) };
    const pairs = compared.map((name) => this.#pairOf(name, promptId, candidates));
    for (const [i, a] of pairs.entries()) {
      for (const [j, b] of pairs.entries()) {
        if (j <= i || a === undefined || b === undefined) continue;
        const key = `${i},${j}`;
        const count = this.#counts.get(key) ?? { rows: 0, chosen: 0, pair: 0 };
        const sameChosen = a.chosen.index === b.chosen.index;
        count.rows += 1;
        if (sameChosen) count.chosen += 1;
        if (sameChosen && a.rejected.index === b.rejected.index) count.pair += 1;
        this.#counts.set(key, count);
      }
    }
  }

  finish(): Agreement[] {
    return compared.flatMap((a, i) =>
      compared.slice(i + 1).map((b, offset) => {
        const { rows, chosen, pair } = this.#counts.get(`${i},${i + 1 + offset}`) ?? { rows: 0, chosen: 0, pair: 0 };
        return { a, b, rows, same_chosen: rows > 0 ? chosen / rows : null, same_pair: rows > 0 ? pair / rows : null };
      }),
    );
  }

  #pairOf(name: PairPresetName, promptId: string, candidates: Record<"mean" | "overall", Candidate[]>): Pair | undefined {
    const { rule, score, published } = pairPresets[name];
    const own = candidates[published ? score : this.#settings.score];
    if (own.length < 2) return undefined;
    const selection = rule(own, rowDraw(this.#settings.seed, promptId), this.#settings.margin);
    return "pairs" in selection ? selection.pairs[0] : undefined;
  }
}

function rated(scores: readonly Score[]): Candidate[] {
  return scores.flatMap((score, index) => (score.kind === "rated" ? [{ index, score: score.value }] : []));
}
