import {
  collectRows,
  pipe,
  readRows,
  rowsOf,
  type TokenizedRow,
  tokenizeDialogues,
  transform,
  type UntypedRow,
  writeRows,
} from "@zephyr/data";
import { createScorer } from "@zephyr/train-webgpu";
import { integer } from "../flags/flag.ts";
import { untilInterrupted } from "../interrupt/interrupt.ts";
import { modelFlags, openModel } from "../models/open-policy.ts";
import { inGroups, scoreSequences } from "../models/token-scores.ts";
import { checkInput, checkOutput, rowFlags } from "../rows/output-file.ts";
import { command } from "./command.ts";

const ROWS_AT_ONCE = 64;

/** `zephyr score`: log-probabilities of the tokens of rows. */
export const score = command({
  description:
    "Adds token_logps (log p of each token after the first, nats) and sum_logps (over the completion, or all) to rows of input_ids (with completion_mask), or of prompt and completion.",
  flags: {
    ...modelFlags,
    ...rowFlags,
    tokensPerBatch: integer({ help: "most tokens scored at a time", default: 2048, min: 1 }),
  },
  graceful: true,
  async run({ flags, reporter, interrupt }) {
    const { input, output, overwrite, tokensPerBatch } = flags;
    checkInput(input, "--input");
    checkOutput(output, overwrite);
    using opened = await openModel(flags, reporter);
    const { policy } = opened;
    using scorer = createScorer(policy);
    const tokenize = tokenizeDialogues(policy.tokenizer, {});
    const progress = reporter.progress("rows scored");
    let done = 0;
    const scoreRows = transform(async function* (rows: AsyncIterable<UntypedRow>) {
      for await (const group of inGroups<UntypedRow>(ROWS_AT_ONCE)(rows)) {
        const texts = await collectRows(tokenize<UntypedRow>(rowsOf(group.filter((row) => !("input_ids" in row)))));
        const encoded = texts.values();
        const tokens = group.map((row, i) =>
          "input_ids" in row ? givenTokens(row, `score: row ${done + i + 1}`) : (encoded.next().value as TokenizedRow),
        );
        const scores = await scoreSequences(
          scorer,
          tokens.map(({ input_ids }) => input_ids),
          tokensPerBatch,
        );
        for (const [i, { tokenLogps }] of scores.entries()) {
          const { input_ids, completion_mask } = tokens[i]!;
          const sum = tokenLogps.reduce((total, logp, t) => total + (completion_mask[t + 1] === 1 ? logp : 0), 0);
          progress.update(++done);
          yield { ...group[i], input_ids, completion_mask, token_logps: tokenLogps, sum_logps: sum };
        }
      }
    });
    const { count } = await writeRows(output, pipe(readRows(input), untilInterrupted<UntypedRow>(interrupt), scoreRows));
    progress.end();
    return { result: { output, rows: count }, lines: [`${output}: ${count} rows`] };
  },
});

/** Ids of a row, and which of them count: its completion, or all but the first. */
function givenTokens({ input_ids, completion_mask }: UntypedRow, place: string): TokenizedRow {
  const areIds = Array.isArray(input_ids) && input_ids.length > 0 && input_ids.every((id) => Number.isInteger(id) && id >= 0);
  if (!areIds) throw new TypeError(`${place}: input_ids are no token ids; give a list of whole numbers from 0, at least one`);
  const mask = completion_mask ?? input_ids.map(() => 1);
  const isMask = Array.isArray(mask) && mask.length === input_ids.length && mask.every((bit) => bit === 0 || bit === 1);
  if (!isMask) throw new TypeError(`${place}: completion_mask does not fit; give ${input_ids.length} numbers that are 0 or 1`);
  return { input_ids, completion_mask: mask };
}
