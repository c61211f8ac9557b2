import type { PromptRow } from "@zephyr/data";
import { type Asker, createAsker } from "./ask.ts";
import { type Journal, temporaryJournal } from "./journal/journal.ts";
import type { Model } from "./model.ts";
import { orderedMap } from "./ordered-map.ts";
import { onceById, promptIdOf } from "./prompt-id.ts";
import { type FailureReason, type RowFailure, reportFailure } from "./row-failure.ts";

/** What every stage that asks models takes. */
export interface StageOptions {
  /** Draws models, principles and orders. Default 0. */
  seed?: number | undefined;
  /** A folder (locked while rows are read), or a journal that several stages share. */
  journal?: string | Journal | undefined;
  /** Hard cap in US dollars, what the journal's earlier runs cost included. */
  budgetUsd?: number | undefined;
  /** Told of rows that failed for good, in the rows' order; without it the first of them ends the stage with an Error. */
  onFailure?: ((failure: RowFailure) => void) | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Ends the run gently: what is on the wire is waited for and kept. */
  drain?: AbortSignal | undefined;
  /** Ends the run at once. */
  signal?: AbortSignal | undefined;
}

/** Where a stage stands. */
export interface Progress {
  rowsDone: number;
  rowsFailed: number;
  duplicates: number;
  asker: Asker;
}

/** What became of one row: the row with its new columns, or why not, with what had been got. */
export type StageResult<S> = { row: S; failures?: undefined } | { failures: FailureReason[]; kept?: object };

/** An asker that several stages have in common, so that one budget and one count hold for all; its owner closes it. */
export interface SharedAsker {
  asker: Asker;
  /** Ends what has not been sent, where the rows are left before their end. */
  leave(): void;
}

type Sharing = StageOptions & { shared?: SharedAsker };

/** What a stage does with one row; a rejection ends the run. */
export type StageWork<R, S> = (row: R & { prompt_id: string }, place: string, asker: Asker) => Promise<StageResult<S>>;

/** Re-iterable rows: every iteration opens the journal afresh, so the second one finds all answers there. */
export function stage<R extends PromptRow, S>(
  where: string,
  rows: AsyncIterable<R>,
  models: readonly Model[],
  options: Sharing,
  work: StageWork<R, S>,
): AsyncIterable<S> {
  // Stages without a folder keep one private journal, so that a second iteration asks nothing again.
  let shared: Promise<Journal> | undefined;
  return {
    async *[Symbol.asyncIterator]() {
      if (options.journal === undefined && options.shared === undefined) shared ??= temporaryJournal();
      yield* runStage(where, rows, models, { ...options, journal: options.journal ?? (await shared) }, work);
    },
  };
}

async function* runStage<R extends PromptRow, S>(
  where: string,
  rows: AsyncIterable<R>,
  models: readonly Model[],
  options: Sharing,
  work: StageWork<R, S>,
): AsyncGenerator<S> {
  const { asker, leave } = options.shared ?? (await openAsker(models, options));
  const progress: Progress = { rowsDone: 0, rowsFailed: 0, duplicates: 0, asker };
  const once = onceById(where);
  options.onProgress?.(progress);
  const begin = async (row: R, index: number): Promise<(StageResult<S> & { prompt_id: string; source: R }) | undefined> => {
    const prompt_id = promptIdOf(row);
    if (!once(prompt_id, row, index)) return undefined;
    const place = `${where}: row ${index + 1} (prompt_id ${JSON.stringify(prompt_id)})`;
    return { ...(await work({ ...row, prompt_id }, place, asker)), prompt_id, source: row };
  };
  try {
    for await (const result of orderedMap(rows, { ...roomFor(models), stopped: leave }, begin)) {
      if (result === undefined) progress.duplicates++;
      else if (result.failures === undefined) {
        progress.rowsDone++;
        yield result.row;
      } else {
        const { prompt_id, source, failures, kept } = result;
        progress.rowsFailed++;
        reportFailure(where, { row: { ...source, prompt_id, ...kept }, ...failures[0]!, failures }, options.onFailure);
      }
      options.onProgress?.(progress);
    }
  } finally {
    if (options.shared === undefined) await asker.close();
  }
}

/** The asker of one or several stages. */
export async function openAsker(models: readonly Model[], options: StageOptions): Promise<SharedAsker> {
  const leaving = new AbortController();
  const drain = options.drain === undefined ? leaving.signal : AbortSignal.any([leaving.signal, options.drain]);
  return { asker: await createAsker({ ...options, models, drain }), leave: () => leaving.abort() };
}

/**
 * Twice the rows that can be on the wire, so that each reply finds another request waiting; as many again may wait, done, for an
 * older row that is asked once more.
 */
function roomFor(models: readonly Model[]): { atOnce: number; window: number } {
  const onTheWire = models.reduce((sum, { limits }) => sum + limits.maxConcurrency, 0);
  return { atOnce: Math.max(32, 2 * onTheWire), window: Math.max(64, 4 * onTheWire) };
}
