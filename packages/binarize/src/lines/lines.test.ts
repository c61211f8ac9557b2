import type { UnparsedLine, UnparsedRows, WrittenAsLines } from "@zephyr/data";
import { describe, expect, it } from "vitest";
import { generateRows, type SourcedRow } from "../../test/generate-rows.ts";
import { binarize } from "../binarize.ts";
import { rowDraw } from "../draw.ts";
import type { BinarizeOptions } from "../options.ts";
import { presetNames } from "../presets.ts";
import type { BinarizeReport } from "../report.ts";
import { RawText } from "./raw-text.ts";
import { readLine } from "./read-line.ts";

interface Outcome {
  texts: string[];
  error?: string;
  report?: BinarizeReport;
}

/** Lines as `readRows` gives them, some at a time, and the same rows parsed. */
function linesOf(texts: readonly string[]): UnparsedRows<never> {
  const lines = texts.map((text): UnparsedLine => ({ text, parse: () => JSON.parse(text) }));
  return {
    async *[Symbol.asyncIterator]() {
      for (const { parse } of lines) yield parse() as never;
    },
    async *unparsedLines() {
      for (let at = 0; at < lines.length; at += 7) yield lines.slice(at, at + 7);
    },
  };
}

async function outcome(options: BinarizeOptions, run: (options: BinarizeOptions) => AsyncIterable<string>): Promise<Outcome> {
  const result: Outcome = { texts: [] };
  try {
    for await (const text of run({ ...options, onReport: (report) => (result.report = report) })) result.texts.push(text);
  } catch (error) {
    result.error = `${(error as Error).name}: ${(error as Error).message}`;
  }
  return result;
}

const byRows = (texts: readonly string[], options: BinarizeOptions): Promise<Outcome> =>
  outcome(options, async function* (given) {
    const { unparsedLines: _, ...rows } = linesOf(texts);
    for await (const row of binarize(given)(rows)) yield JSON.stringify(row);
  });

const byLines = (texts: readonly string[], options: BinarizeOptions): Promise<Outcome> =>
  outcome(options, async function* (given) {
    const pairs = binarize(given)(linesOf(texts));
    for await (const batch of (pairs as unknown as WrittenAsLines<object>).jsonLines()) yield* batch;
  });

/** Rows again, but made of lines. */
const byRowsOfLines = (texts: readonly string[], options: BinarizeOptions): Promise<Outcome> =>
  outcome(options, async function* (given) {
    for await (const row of binarize(given)(linesOf(texts))) yield JSON.stringify(row);
  });

async function expectSame(texts: readonly string[], options: BinarizeOptions): Promise<Outcome> {
  const rows = await byRows(texts, options);
  expect(await byLines(texts, options)).toEqual(rows);
  expect(await byRowsOfLines(texts, options)).toEqual(rows);
  return rows;
}

/** JSON of the same value, spelt otherwise: spaces, escapes that need not be, keys in another order. */
function respelt(value: unknown, draw: (n: number) => number): string {
  const space = () => ["", "", "", " ", "\t", "  \r"][draw(6)]!;
  if (typeof value === "string") {
    const spell = (unit: string) =>
      draw(9) > 0 ? JSON.stringify(unit).slice(1, -1) : `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
    return draw(3) > 0 ? JSON.stringify(value) : `"${value.split("").map(spell).join("").replaceAll("/", "\\/")}"`;
  }
  if (typeof value === "number") return draw(4) > 0 ? JSON.stringify(value) : value.toExponential();
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const parts = Array.isArray(value)
    ? value.map((item) => respelt(item, draw))
    : Object.entries(value).map(([key, item]) => `${respelt(key, draw)}${space()}:${space()}${respelt(item, draw)}`);
  if (!Array.isArray(value) && draw(3) === 0) parts.reverse();
  return `${open}${space()}${parts.join(`${space()},${space()}`)}${space()}${close}`;
}

/** The row in the spelling of openbmb/UltraFeedback, which has no ids. */
function asPublished({ prompt, source, completions }: SourcedRow, draw: (n: number) => number): object {
  const published = ({ rating, rationale }: { rating: unknown; rationale: string }) => ({
    ...(draw(2) ? { Type: draw(2) ? ["1"] : "None" } : {}),
    Rationale: rationale,
    Rating: String(rating),
  });
  return {
    source,
    instruction: prompt,
    ...(draw(9) === 0 ? { prompt: "beside the instruction" } : {}),
    models: completions.map(({ model }) => model),
    completions: completions.map(({ model, content, overall_score, annotations }) => ({
      annotations: Object.fromEntries(Object.entries(annotations!).map(([aspect, each]) => [aspect, published(each)])),
      model,
      response: content,
      overall_score,
      "fine-grained_score": draw(10) / 2,
    })),
    correct_answers: ["None"],
  };
}

const oddTexts = ['say "yes"\n\\', "é ’ 日本 🙂", "\u0000\u001f\u007f\u2028", "\ud800 alone", "a/b", "", "{}[]:,", '\\"'];

/** Rows with every kind of text, columns of their own, and here and there what is not expected where it stands. */
function oddRows(count: number, seed: number): string[] {
  return generateRows(count, seed).map((row, i) => {
    const draw = rowDraw(seed, `odd ${i}`);
    const odd = () => oddTexts[draw(oddTexts.length)]!;
    const completions = row.completions.map((completion) => ({
      ...completion,
      content: completion.content + odd(),
      critique: odd() + odd(),
      ...(draw(6) === 0 ? { usage: { prompt_tokens: 12, deep: [[{ a: [1.5e-3, null, true] }]] } } : {}),
      ...(draw(30) === 0 ? { annotations: [null, [], "none", {}, { honesty: null }, { honesty: [3] }][draw(6)] } : {}),
      ...(draw(30) === 0 ? { model: [null, 3, ["m"]][draw(3)] } : {}),
      ...(draw(30) === 0 ? { overall_score: ["7", "N/A", null, 3.5][draw(4)] } : {}),
      ...(draw(30) === 0 ? { response: "another", content: draw(2) ? null : "one" } : {}),
    }));
    if (draw(5) === 0) return JSON.stringify(asPublished(row, draw));
    const changed: Record<string, unknown> = { ...row, prompt: row.prompt + odd(), completions, number: -1.5e300, 7: "a key" };
    if (draw(9) === 0)
      changed["prompt"] = [
        { role: "system", content: odd() },
        { role: "user", content: "?" },
      ];
    if (draw(9) === 0) changed["prompt_id"] = [undefined, "", null][draw(3)];
    if (draw(9) === 0) changed["source"] = [undefined, 5, null, odd()][draw(4)];
    if (draw(15) === 0) changed["completions"] = completions.slice(0, draw(2));
    const text = draw(2) ? JSON.stringify(changed) : respelt(JSON.parse(JSON.stringify(changed)), draw);
    if (draw(12) === 0) return text.replace("{", '{"prompt": "first of two", ');
    return draw(12) === 0 ? text.replace("{", '{"__proto__": 1, "source": "first", ') : text;
  });
}

describe("lines give what rows give", () => {
  it.each(presetNames)("%s: texts, report and order", async (preset) => {
    const texts = oddRows(700, 3);
    const { texts: written, error, report } = await expectSame(texts, { preset, seed: 1, onBadRating: "drop" });
    expect(error).toBeUndefined();
    expect(written.length).toBeGreaterThan(400);
    expect(report!.rows).toBe(700);
  });

  it("the spelling of ultrafeedback_binarized", async () => {
    const { texts } = await expectSame(oddRows(200, 4), { preset: "h4", seed: 0, format: "h4", onBadRating: "drop" });
    expect(texts.length).toBeGreaterThan(150);
  });

  it("errors, each with its row", async () => {
    const good = JSON.stringify(generateRows(1)[0]);
    const wrong = [
      good.replace(/"rating":\d/, '"rating":9'),
      good.replace(/"content":"[^"]*"/, '"content":7'),
      good.replace('"completions":[', '"completions":[3,'),
      good.replace(/"completions":.*/, '"completions":{}}'),
      good.replace('"prompt":"Question 0?"', '"prompt":[]'),
      good.replace('"prompt":"Question 0?"', '"prompt":[{"role":"assistant","content":"a"}]'),
      good.replace('"prompt_id":"id-0-0"', '"prompt_id":5'),
      "[]",
      "null",
      `${good}}`,
      `${good.slice(0, -1)},}`,
      good.slice(0, 200),
      `${good.slice(0, -1)},"deep":${"[".repeat(100_000)}${"]".repeat(100_000)}}`,
    ];
    for (const text of wrong.slice(0, -1)) {
      const { error, texts } = await expectSame([good, text, good], { preset: "max-min", seed: 0, onTooFew: "error" });
      expect(error).toBeDefined();
      expect(texts.length).toBeLessThan(2);
    }
    expect(readLine(wrong.at(-1)!)).toBeUndefined();
  });

  it("of lines with changed characters, those that are JSON give the same, and no text is moved that is none", async () => {
    const line = oddRows(40, 5).find((text) => readLine(text) !== undefined)!;
    const characters = '"\\{}[],: 019.-+eEtrufalsn\n\u0001\u00e9';
    const options = { preset: "all-pairs", seed: 0, onBadRating: "drop" } as const;
    let parsed = 0;
    for (let i = 0; i < 6000; i++) {
      const draw = rowDraw(8, String(i));
      const at = draw(line.length);
      const to = at + draw(3);
      const text = line.slice(0, at) + characters[draw(characters.length)] + line.slice(to);
      // No file in UTF-8 holds half of a pair.
      if (Buffer.from(text).toString() !== text) continue;
      const lines = await byLines([text], options);
      for (const written of lines.texts) JSON.parse(written);
      if (!isJson(text)) continue;
      parsed++;
      expect(lines).toEqual(await byRows([text], options));
    }
    expect(parsed).toBeGreaterThan(1000);
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

it("rows of the usual spelling are read without being parsed, others are not", () => {
  const [row] = generateRows(1);
  const read = readLine(` ${JSON.stringify({ ...row, extra: [1] })}\r`)!;
  expect(read).toMatchObject({ promptId: "id-0-0", source: row!.source, columns: { prompt_id: "id-0-0", extra: [1] } });
  expect(read.completions.map(({ content }) => String(content))).toEqual(row!.completions.map(({ content }) => content));
  const published = readLine(JSON.stringify(asPublished(row!, () => 1)))!;
  expect(published).toMatchObject({ promptId: "", source: row!.source, columns: { correct_answers: ["None"] } });
  expect(String(published.prompt[0]!.content)).toBe(row!.prompt);
  expect([...published.completions[0]!.ratings.values()]).toEqual(
    Object.values(row!.completions[0]!.annotations!).map(({ rating }) => String(rating)),
  );
  for (const text of ["", "{", "[]", "{}", '{"prompt":"a"}', JSON.stringify({ ...row, instruction: "both" })])
    expect(readLine(text)).toBeUndefined();
});

it("every text is passed over to its end, whatever it holds", () => {
  const [row] = generateRows(1);
  for (const text of [...oddTexts, "\\\\", '\\\\"', '"'.repeat(9), '\\"'.repeat(9)]) {
    const completions = row!.completions.map((each) => ({ ...each, critique: text, content: text, [text]: text }));
    const read = readLine(JSON.stringify({ ...row, prompt: text, completions }))!;
    expect(read.completions.map(({ content }) => String(content))).toEqual([text, text, text, text]);
  }
});

it("what is passed over is checked for all but the inside of its texts", () => {
  const line = (skipped: string) =>
    `{"prompt_id":"a","prompt":"b","completions":[{"content":"c","critique":${skipped},"annotations":{}}]}`;
  const good = ["1", "-0.5e+7", "true", "null", "[ ]", '{ "a" : [ 1 , {} ] , "b" : "c" }', '"\\\\"'];
  for (const skipped of good) expect(readLine(line(skipped)), skipped).toBeDefined();
  const wrong = [
    "",
    "01",
    "1.",
    "+1",
    "tru",
    "nulll",
    "[1 2]",
    "[1 22]",
    "[1;2]",
    "[1,]",
    "[,1]",
    "[1",
    "{1:2}",
    '{"a" 1}',
    '{"a":1,}',
    '{"a":1 "b":2}',
  ];
  for (const skipped of [...wrong, '{"a":}', '{"a"}', "{]", "[}", '"', "'a'", "undefined", "NaN"])
    expect(readLine(line(skipped)), skipped).toBeUndefined();
});

it("a text that is moved has the length and the spelling of the decoded one", () => {
  for (const text of oddTexts) {
    for (const raw of [
      JSON.stringify(text),
      `"\\u0041${JSON.stringify(text).slice(1)}`,
      `"\\/${JSON.stringify(text).slice(1)}`,
    ]) {
      const decoded = JSON.parse(raw) as string;
      expect(new RawText(raw).length).toBe(decoded.length);
      expect(JSON.stringify([new RawText(raw)])).toBe(JSON.stringify([decoded]));
    }
  }
  for (const raw of ['"a\nb"', '"\\x"', '"\\u12"', '"\\']) expect(() => JSON.stringify(new RawText(raw))).toThrow(SyntaxError);
});

it("rows that are made of lines hold texts, not what stands for them", async () => {
  const texts = oddRows(60, 6);
  for (const preset of presetNames) {
    for (const format of preset === "h4" ? (["h4", "trl"] as const) : [undefined]) {
      const rows = [];
      const options = { preset, seed: 0, onBadRating: "drop", ...(format && { format }) } as const;
      for await (const row of binarize(options as BinarizeOptions)(linesOf(texts))) rows.push(row);
      expect(rows.length).toBeGreaterThan(20);
      expect(JSON.parse(JSON.stringify(rows))).toEqual(rows);
    }
  }
});

it("a copy with other rows has no lines", () => {
  expect("jsonLines" in { ...binarize({ preset: "h4", seed: 0 })(linesOf([])) }).toBe(false);
});
