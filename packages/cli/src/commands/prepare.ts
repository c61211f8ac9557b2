import { readFile, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import {
  type Benchmark,
  benchmarkPrompts,
  type CleaningStep,
  type CleanReport,
  cleaningExamples,
  cleaningTable,
  collectRows,
  type Drop,
  decontaminate,
  dedupe,
  dropPhrases,
  filterLanguage,
  filterLength,
  loadTokenizer,
  type MixReport,
  mix,
  readRows,
  type SplitReport,
  split,
  truecase,
  type UntypedRow,
  type Watch,
  writeRows,
} from "@zephyr/data";
import { usageError } from "../errors/usage-error.ts";
import { choice, type FlagValues, integer, optionalText, text, texts, toggle } from "../flags/flag.ts";
import { untilInterrupted } from "../interrupt/interrupt.ts";
import { checkInput, checkOutput, rowFlags } from "../rows/output-file.ts";
import { keepHeapSmall } from "../rows/small-heap.ts";
import { writeJson } from "../training/run-folder.ts";
import { command } from "./command.ts";

const flagTable = {
  ...rowFlags,
  input: text({ help: "rows to read; --mix adds to them", placeholder: "FILE" }),
  mix: texts({ help: "files, and the fraction of each to take: a.jsonl:1.0 b.jsonl:0.5", placeholder: "FILE:FRACTION" }),
  truecase: toggle({ help: "capital letters where a text has none" }),
  dropPhrases: optionalText({
    help: "drop rows whose answers hold a refusal, or a phrase of FILE (one per line)",
    placeholder: "FILE",
  }),
  minTokens: integer({ help: "drop shorter rows", min: 0 }),
  maxTokens: integer({ help: "drop longer rows", min: 1 }),
  tokenizer: text({ help: "model folder whose tokens --min-tokens and --max-tokens count [words]", placeholder: "DIR" }),
  languages: texts({ help: "drop rows in other languages than these: en,de", placeholder: "CODE,..." }),
  dedupe: choice({ help: "drop rows that repeat an earlier one", choices: ["exact", "minhash"] }),
  decontaminate: texts({ help: "drop rows that hold a prompt of these benchmark files", placeholder: "FILES" }),
  split: texts({
    help: "parts and their fractions: train=0.98,test=0.02; rows.jsonl becomes rows.train.jsonl, ...",
    placeholder: "NAME=X,...",
  }),
  seed: integer({ help: "of --mix and --split", default: 0 }),
};
type Flags = FlagValues<typeof flagTable>;

/** `zephyr prepare`: filters, truecase, dedupe, decontaminate, mix, split. */
export const prepare = command({
  description:
    "Cleans, mixes and splits rows: mix, truecase, drop phrases, lengths, languages, dedupe, decontaminate, split, in this order, all off unless asked for. OUTPUT.report.json lists each drop with its reason.",
  flags: flagTable,
  graceful: true,
  async run({ flags, interrupt }) {
    const { output, overwrite } = flags;
    const parts = flags.split && splitParts(flags.split);
    const outputs = parts
      ? Object.fromEntries(Object.keys(parts).map((name) => [name, partPath(output, name)]))
      : { all: output };
    for (const path of Object.values(outputs)) checkOutput(path, overwrite);
    keepHeapSmall();
    const reports: CleanReport[] = [];
    const drops: Drop[] = [];
    const watch: Watch = { onReport: (report) => reports.push(report), onDrop: (drop) => drops.push(drop) };
    let mixed: MixReport | undefined;
    let cleaned: AsyncIterable<UntypedRow> = untilInterrupted<UntypedRow>(interrupt)(
      sources(flags, (report) => (mixed = report)),
    );
    for (const step of await cleaningSteps(flags, watch)) cleaned = step<UntypedRow>(cleaned);
    const whole = await writeRows(
      parts ? join(dirname(output), `.${basename(output)}.${process.pid}.whole.jsonl`) : output,
      cleaned,
    );
    const counts: Record<string, number> = { all: whole.count };
    let splitReport: SplitReport | undefined;
    if (parts) {
      try {
        const rows = split({ parts, seed: flags.seed, onReport: (report) => (splitReport = report) })(whole);
        for (const [name, path] of Object.entries(outputs)) counts[name] = (await writeRows(path, rows[name]!)).count;
      } finally {
        await rm(whole.path, { force: true });
      }
    }
    const report = { mix: mixed, steps: reports, split: splitReport, drops };
    writeJson(`${output}.report.json`, report);
    const written = Object.entries(outputs).map(([name, path]) => `${path}: ${counts[name]} rows`);
    const lines = [cleaningLines(reports), written.join("\n")].filter((part) => part !== "");
    return {
      result: { outputs, rows: counts, mix: mixed, steps: reports, split: splitReport, report: `${output}.report.json` },
      lines,
    };
  },
});

/** The table of what went and why, and below it examples. */
function cleaningLines(reports: readonly CleanReport[]): string {
  if (reports.length === 0) return "";
  const examples = cleaningExamples(reports);
  return `${cleaningTable(reports)}\n${examples === "" ? "" : `\nfor example\n${examples}\n`}`;
}

function sources({ input, mix: mixed, seed }: Flags, onReport: (report: MixReport) => void): AsyncIterable<UntypedRow> {
  if (input !== undefined) checkInput(input, "--input");
  if (mixed === undefined) {
    if (input === undefined) throw usageError("--input is missing; give it, or --mix");
    return readRows(input);
  }
  const files = Object.entries(fractions(mixed, "--mix", ":"));
  for (const [file] of files) checkInput(file, "--mix");
  const all = [...(input === undefined ? [] : [[input, 1] as const]), ...files];
  return mix(
    all.map(([file, fraction]) => ({ name: file, rows: readRows(file), fraction })),
    { seed, onReport },
  );
}

async function cleaningSteps(flags: Flags, watch: Watch): Promise<CleaningStep[]> {
  const { minTokens, maxTokens, tokenizer, dedupe: method, decontaminate: benchmarks } = flags;
  const steps: CleaningStep[] = [];
  if (flags.truecase) steps.push(truecase(watch));
  if (flags.dropPhrases !== undefined) {
    const phrases = flags.dropPhrases === true ? undefined : await phrasesOf(flags.dropPhrases);
    steps.push(dropPhrases({ ...(phrases && { phrases }), ...watch }));
  }
  if (minTokens !== undefined || maxTokens !== undefined) {
    const counter = tokenizer === undefined ? undefined : await loadTokenizer(tokenizer);
    const countTokens = counter && ((text: string) => counter.encode(text, { addSpecialTokens: false }).length);
    const bounds = { ...(minTokens !== undefined && { minTokens }), ...(maxTokens !== undefined && { maxTokens }) };
    steps.push(filterLength({ ...bounds, ...(countTokens && { countTokens }), ...watch }));
  }
  if (flags.languages !== undefined) steps.push(languageStep(flags.languages, watch));
  if (method !== undefined) steps.push(dedupe({ method, ...watch }));
  if (benchmarks !== undefined) steps.push(decontaminate({ against: await Promise.all(benchmarks.map(benchmark)), ...watch }));
  return steps;
}

function languageStep(languages: readonly string[], watch: Watch): CleaningStep {
  try {
    return filterLanguage({ languages, ...watch });
  } catch (error) {
    throw usageError(`--languages: ${(error as Error).message}`);
  }
}

async function phrasesOf(file: string): Promise<string[]> {
  checkInput(file, "--drop-phrases");
  const lines = (await readFile(file, "utf8")).replace(/^\uFEFF/, "").split(/\r?\n/);
  const phrases = lines.map((line) => line.trim()).filter((line) => line !== "");
  if (phrases.length === 0) throw usageError(`--drop-phrases ${file} holds no phrase; write one per line`);
  return phrases;
}

async function benchmark(file: string): Promise<Benchmark> {
  checkInput(file, "--decontaminate");
  const rows = await collectRows(readRows(file));
  return { name: basename(file), prompts: rows.flatMap(benchmarkPrompts) };
}

/** `train=0.98` or `a.jsonl:0.5`: names and fractions. */
function fractions(given: readonly string[], flag: string, separator: string): Record<string, number> {
  const parts = given.map((part): [string, number] => {
    const at = part.lastIndexOf(separator);
    const [name, fraction] = [part.slice(0, at), Number(part.slice(at + 1))];
    if (at > 0 && part.length > at + 1 && fraction > 0 && fraction <= 1) return [name, fraction];
    throw usageError(`${flag} is ${JSON.stringify(part)}; give a name, "${separator}" and a fraction above 0 to 1`);
  });
  const twice = parts.find(([name], i) => parts.findIndex(([other]) => other === name) !== i);
  if (twice !== undefined) throw usageError(`${flag} names ${twice[0]} twice; give each once`);
  return Object.fromEntries(parts);
}

function splitParts(given: readonly string[]): Record<string, number> {
  const parts = fractions(given, "--split", "=");
  const sum = Object.values(parts).reduce((total, fraction) => total + fraction, 0);
  if (Math.abs(sum - 1) < 1e-9) return parts;
  throw usageError(`--split ${given.join(",")} adds up to ${sum}; give fractions that add up to 1`);
}

/** `rows.jsonl.gz` for part "test": `rows.test.jsonl.gz`. */
function partPath(output: string, name: string): string {
  const [, stem, ending] = /^(.*?)((?:\.(?:jsonl?|ndjson|parquet))?(?:\.(?:gz|zst))?)$/.exec(output)!;
  return `${stem}.${name}${ending}`;
}
