import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { collatePreferences } from "../collate/collate-preferences.ts";
import { collateSequences } from "../collate/collate-sequences.ts";
import { packSequences } from "../collate/pack-sequences.ts";
import { readRows } from "../files/read-rows.ts";
import { extractPrompt, unpairPreferences } from "../formats/preference-formats.ts";
import { collectRows, pipe, rowsOf } from "../pipe.ts";
import type { Message, PreferenceRow, TokenizedPreferenceRow } from "../rows.ts";
import { loadTokenizer } from "../tokenizer/load-tokenizer.ts";
import { tokenizeDialogues } from "./tokenize-dialogues.ts";
import { tokenizePreferences } from "./tokenize-preferences.ts";

const fixtures = new URL("../fixtures/", import.meta.url);
const json = (name: string) => JSON.parse(readFileSync(new URL(name, fixtures), "utf8"));
const path = (name: string) => new URL(name, fixtures).pathname;
const tokenizer = await loadTokenizer(path("mistral"));
const quiet = { onReport: () => undefined };

interface Padded {
  input_ids: number[][];
  attention_mask: number[][];
  completion_mask: number[][];
}
interface DataVectors {
  preference: {
    format: string;
    max_length: number | null;
    input: object[];
    tokenized: TokenizedPreferenceRow[];
    rows_kept: number;
    collated: Padded;
  }[];
  sft: {
    format: string;
    options: { max_length: number | null; assistant_only_loss?: boolean; completion_only_loss?: boolean };
    input: object[];
    input_ids: number[][];
    labels: number[][];
  }[];
  extract_prompt: { input: { chosen: Message[]; rejected: Message[] }; output: object };
  unpair: { input: PreferenceRow[]; output: object[] };
  packing: {
    lengths: number[];
    packs: {
      strategy: "bfd" | "bfd_split" | "wrapped";
      seq_length: number;
      packs: { first_last_of_runs: [number, number][]; seq_lengths: number[] | null }[];
    }[];
  };
}
const data: DataVectors = json("data.json");

/** A batch's sequences as lists again. */
function sequencesOf(batch: {
  inputIds: Uint32Array;
  completionMask: Uint8Array;
  positions: Uint32Array;
  sequenceOffsets: Uint32Array;
}) {
  return Array.from({ length: batch.sequenceOffsets.length - 1 }, (_, s) => {
    const [start, end] = [batch.sequenceOffsets[s]!, batch.sequenceOffsets[s + 1]!];
    const cut = (array: Uint32Array | Uint8Array) => [...array.subarray(start, end)];
    return { ids: cut(batch.inputIds), mask: cut(batch.completionMask), positions: cut(batch.positions) };
  });
}

/** A padded batch of TRL without its padding. */
function unpadded({ input_ids, attention_mask, completion_mask }: Padded) {
  return input_ids.map((row, s) => {
    const keep = (values: number[]) => values.filter((_, i) => attention_mask[s]![i] === 1);
    const ids = keep(row);
    return { ids, mask: keep(completion_mask[s]!), positions: ids.map((_, i) => i) };
  });
}

for (const { format, max_length, input, tokenized, rows_kept, collated } of data.preference) {
  test(`preference rows: ${format}, max_length ${max_length} equals TRL`, async () => {
    const rows = pipe(
      rowsOf(input),
      tokenizePreferences(tokenizer, { ...quiet, ...(max_length ? { maxLength: max_length } : {}) }),
    );
    const all = await collectRows(rows);
    expect(all).toHaveLength(rows_kept);
    if (max_length === null) expect(all).toEqual(tokenized);
    if (rows_kept === 0) return;
    const [batch] = await collectRows(pipe(rows, collatePreferences({ pairsPerBatch: rows_kept })));
    expect(sequencesOf(batch!)).toEqual(unpadded(collated));
  });
}

test("the DPO run's rows and micro-batches equal TRL's", async () => {
  const { row_order, rows: expected } = json("trl_dpo_run/tokenized.json") as {
    row_order: number[];
    rows: TokenizedPreferenceRow[];
  };
  expect(row_order).toHaveLength(40);
  const rows = pipe(readRows<PreferenceRow>(path("trl_dpo_run/preferences.jsonl")), tokenizePreferences(tokenizer, quiet));
  expect(await collectRows(rows)).toEqual(expected);
  const batches = await collectRows(pipe(rows, collatePreferences({ pairsPerBatch: 4 })));
  const micro = json("trl_dpo_run/micro_batches_epoch0.json") as Padded[];
  expect(batches.map((batch) => sequencesOf(batch))).toEqual(micro.map(unpadded));
  expect(batches.every((batch) => batch.pairs === 4 && batch.rowIds!.length === 4)).toBe(true);
});

const SKIPPED = "conversations_from_value_human_gpt";
for (const { format, options, input, input_ids, labels } of data.sft.filter(({ format }) => format !== SKIPPED)) {
  test(`SFT rows: ${format} equals TRL`, async () => {
    const { max_length, assistant_only_loss, completion_only_loss } = options;
    const rows = await collectRows(
      pipe(
        rowsOf(input),
        tokenizeDialogues(tokenizer, {
          ...quiet,
          ...(max_length ? { maxLength: max_length } : {}),
          assistantOnlyLoss: assistant_only_loss ?? false,
          completionOnlyLoss: completion_only_loss ?? true,
        }),
      ),
    );
    expect(rows.map((row) => row.input_ids)).toEqual(input_ids);
    expect(rows.map((row) => row.input_ids.map((id, i) => (row.completion_mask[i] ? id : -100)))).toEqual(labels);
  });
}

test("human and gpt are read as user and assistant, where TRL trains on an empty row", async () => {
  const find = (name: string) => data.sft.find(({ format }) => format === name)!;
  expect(find(SKIPPED).input_ids).toEqual([[]]);
  const rows = await collectRows(pipe(rowsOf(find(SKIPPED).input), tokenizeDialogues(tokenizer)));
  expect(rows.map((row) => row.input_ids)).toEqual(find("conversations_from_value_user_assistant").input_ids);
});

for (const [run, file, options] of [
  ["completion_only", "prompt_completion.jsonl", {}],
  ["assistant_only", "messages.jsonl", { assistantOnlyLoss: true }],
] as const) {
  test(`the ${run} SFT run's rows equal TRL's`, async () => {
    const expected = json(`trl_sft_run/${run}/tokenized.json`) as { input_ids: number[]; labels: number[] }[];
    const rows = await collectRows(
      pipe(readRows(path(`trl_sft_run/${file}`)), tokenizeDialogues(tokenizer, { ...quiet, ...options })),
    );
    expect(rows.map((row) => row.input_ids)).toEqual(expected.map((row) => row.input_ids));
    expect(rows.map((row) => row.input_ids.map((id, i) => (row.completion_mask[i] ? id : -100)))).toEqual(
      expected.map((row) => row.labels),
    );
  });
}

test("the packing run's packs, labels and positions equal TRL's", async () => {
  const expected = json("trl_sft_run/packing_bfd/tokenized.json") as {
    input_ids: number[];
    labels: number[];
    seq_lengths: number[];
  }[];
  const packs = pipe(
    readRows(path("trl_sft_run/prompt_completion.jsonl")),
    tokenizeDialogues(tokenizer, quiet),
    packSequences({ maxLength: 200 }),
  );
  const all = await collectRows(packs);
  expect(all.map(({ input_ids, seq_lengths }) => ({ input_ids, seq_lengths }))).toEqual(
    expected.map(({ input_ids, seq_lengths }) => ({ input_ids, seq_lengths })),
  );
  const micro = json("trl_sft_run/packing_bfd/micro_batches.json") as {
    input_ids: number[][];
    labels: number[][];
    position_ids: number[][];
  }[];
  const batches = await collectRows(pipe(packs, collateSequences({ sequencesPerBatch: 1 })));
  for (const [i, batch] of batches.entries()) {
    expect([...batch.inputIds]).toEqual(micro[i]!.input_ids[0]);
    expect([...batch.inputIds].map((id, t) => (batch.completionMask[t] ? id : -100))).toEqual(micro[i]!.labels[0]);
    expect([...batch.positions]).toEqual(micro[i]!.position_ids[0]);
  }
  expect(batches).toHaveLength(micro.length / 2);
});

for (const { strategy, seq_length, packs } of data.packing.packs) {
  test(`packing ${strategy} gives TRL's packs in TRL's order`, async () => {
    let next = 0;
    const rows = data.packing.lengths.map((length) => {
      const input_ids = Array.from({ length }, () => next++);
      return { input_ids, completion_mask: input_ids.map(() => 1) };
    });
    const packed = await collectRows(pipe(rowsOf(rows), packSequences({ maxLength: seq_length, strategy })));
    const expected = packs.map(({ first_last_of_runs, seq_lengths }) => ({
      ids: first_last_of_runs.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i)),
      seq_lengths,
    }));
    expect(packed.map(({ input_ids, seq_lengths }) => ({ ids: input_ids, seq_lengths: seq_lengths ?? null }))).toEqual(expected);
  });
}

test("prompt extraction and unpairing equal TRL's", async () => {
  const { chosen, rejected } = data.extract_prompt.input;
  expect(extractPrompt(chosen, rejected)).toEqual(data.extract_prompt.output);
  const keys = ({ prompt, chosen, rejected }: PreferenceRow) => ({ prompt, chosen, rejected });
  expect(await collectRows(pipe(rowsOf(data.unpair.input.map(keys)), unpairPreferences()))).toEqual(data.unpair.output);
});
