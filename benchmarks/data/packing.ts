/**
 * How full are packs of dialogues as long as UltraChat's?
 *
 *   npx node --conditions=zephyr-source benchmarks/data/packing.ts [dialogues]
 *
 * Lengths in tokens are drawn log-normal (mean about 1,300, cut to what a pack holds); filled is the share of all packs' capacity that
 * holds a token. `seconds` is that of packing alone.
 */
import { type PackedRow, type PackingStrategy, packSequences, randomFor, type TokenizedRow } from "@zephyr/data";
import { print, printMachine, timed } from "./measure.ts";

const dialogues = Number(process.argv[2] ?? 20_000);

function length(index: number): number {
  return Math.round(Math.min(8000, Math.max(40, Math.exp(7.03 + 0.5 * randomFor(11, index).normal()))));
}

async function* tokenized(): AsyncGenerator<TokenizedRow> {
  for (let i = 0; i < dialogues; i += 1) {
    const input_ids = new Array<number>(length(i)).fill(7);
    yield { input_ids, completion_mask: input_ids };
  }
}

printMachine();
for (const maxLength of [2048, 4096, 8192]) {
  for (const strategy of ["bfd", "bfd_split", "wrapped"] satisfies PackingStrategy[]) {
    let packs = 0;
    let tokens = 0;
    const count = (pack: PackedRow) => {
      packs += 1;
      tokens += pack.input_ids.length;
    };
    const time = await timed(async () => {
      const source = { [Symbol.asyncIterator]: () => tokenized() };
      for await (const pack of packSequences({ maxLength, strategy })(source)) count(pack);
    });
    print({ case: "packing", strategy, max_length: maxLength, dialogues, packs, filled: tokens / (packs * maxLength), ...time });
  }
}
