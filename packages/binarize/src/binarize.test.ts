import { describe, expect, it } from "vitest";
import { collect, generateRows, rowOfScores, stream } from "../test/generate-rows.ts";
import { binarize } from "./binarize.ts";
import { rowDraw } from "./draw.ts";
import { type PairPresetName, type PresetName, presetNames } from "./presets.ts";

const text = (messages: { content: string }[]) => messages.at(-1)?.content;
const run = async (preset: PairPresetName, rows: Parameters<typeof stream>[0], more = {}) =>
  collect(binarize({ preset, seed: 0, ...more })(stream(rows as ReturnType<typeof generateRows>)));

/** The score of a completion, computed apart from the code under test. */
function plainScore(completion: ReturnType<typeof generateRows>[number]["completions"][number], preset: PresetName): number {
  if (preset === "h4") return completion.overall_score!;
  const ratings = Object.values(completion.annotations!).map(({ rating }) => rating);
  const numbers = ratings.filter((rating) => rating !== "N/A");
  return numbers.reduce((a, b) => a + b, 0) / numbers.length;
}

describe("every preset", () => {
  const rows = generateRows(500);

  it.each(presetNames)("%s gives the same rows on both passes, in any order, and in shards", async (preset) => {
    const pairs = binarize({ preset, seed: 7 })(stream(rows));
    const whole = (await collect(pairs)).map((row) => JSON.stringify(row));
    expect(whole.length).toBeGreaterThan(300);
    expect((await collect(pairs)).map((row) => JSON.stringify(row))).toEqual(whole);
    const reversed = await collect(binarize({ preset, seed: 7 })(stream(rows.toReversed())));
    expect(reversed.map((row) => JSON.stringify(row)).toSorted()).toEqual(whole.toSorted());
    const shards: string[] = [];
    for (let start = 0; start < rows.length; start += 63) {
      const shard = await collect(binarize({ preset, seed: 7 })(stream(rows.slice(start, start + 63))));
      shards.push(...shard.map((row) => JSON.stringify(row)));
    }
    expect(shards).toEqual(whole);
  });

  it.each(["zephyr-paper", "h4", "argilla", "max-min", "margin"] as const)(
    "%s draws differently for another seed",
    async (preset) => {
      const [zero, one] = [await run(preset, rows), await run(preset, rows, { seed: 1 })];
      const differing = zero.filter((row, i) => JSON.stringify(row) !== JSON.stringify(one[i])).length;
      expect(differing).toBeGreaterThan(preset === "max-min" ? 30 : 100);
    },
  );

  it.each(presetNames)("%s passes unknown columns through and takes the completions away", async (preset) => {
    const [row] = await collect(binarize({ preset, seed: 0 })(stream([{ ...rows[0]!, mine: { a: [1] } }])));
    expect(row).toMatchObject({ mine: { a: [1] }, source: rows[0]!.source, prompt_id: rows[0]!.prompt_id });
    expect(row).toHaveProperty("prompt", [{ role: "user", content: "Question 0?" }]);
    if (preset !== "listwise") expect(row).not.toHaveProperty("completions");
  });
});

describe.each(["zephyr-paper", "h4"] as const)("%s", (preset) => {
  const rows = generateRows(4000);

  it("chooses a completion of the highest score and rejects one of the others", async () => {
    const pairs = await run(preset, rows);
    expect(pairs).toHaveLength(rows.length);
    for (const [i, pair] of pairs.entries()) {
      const { completions } = rows[i]!;
      const scores = completions.map((completion) => plainScore(completion, preset));
      const chosen = completions.findIndex(({ content }) => content === text(pair.chosen));
      const rejected = completions.findIndex(({ content }) => content === text(pair.rejected));
      expect(pair.score_chosen).toBe(Math.max(...scores));
      expect(scores[chosen]).toBe(pair.score_chosen);
      expect(scores[rejected]).toBe(pair.score_rejected);
      expect(rejected).not.toBe(chosen);
    }
  });

  it("rejects each of the three others equally often, and chooses among equals equally often", async () => {
    const score = (values: number[]) =>
      values.map((value, i) => ({
        ...rowOfScores("", [value]).completions[0]!,
        content: "abcd"[i]!,
        overall_score: value,
      }));
    const many = (values: number[]) =>
      Array.from({ length: 6000 }, (_, i) => ({ prompt_id: `q${i}`, prompt: "p", completions: score(values) }));
    const tally = (pairs: { chosen: { content: string }[]; rejected: { content: string }[] }[], side: "chosen" | "rejected") => {
      const counts: Record<string, number> = {};
      for (const pair of pairs) counts[text(pair[side])!] = (counts[text(pair[side])!] ?? 0) + 1;
      return counts;
    };
    const rejected = tally(await run(preset, many([2, 5, 1, 3])), "rejected");
    expect(Object.keys(rejected).toSorted()).toEqual(["a", "c", "d"]);
    // 2000 expected; 4.5 standard deviations of a binomial are 164.
    for (const count of Object.values(rejected)) expect(Math.abs(count - 2000)).toBeLessThan(164);
    const tied = await run(preset, many([5, 2, 5, 5]));
    const chosen = tally(tied, "chosen");
    expect(Object.keys(chosen).toSorted()).toEqual(["a", "c", "d"]);
    for (const count of Object.values(chosen)) expect(Math.abs(count - 2000)).toBeLessThan(164);
    // The draw for chosen says nothing about the draw for rejected: given "a" chosen, b, c and d are a third each.
    const others = tally(
      tied.filter((pair) => text(pair.chosen) === "a"),
      "rejected",
    );
    for (const count of Object.values(others)) expect(count / chosen["a"]!).toBeCloseTo(1 / 3, 1);
    expect(Object.keys(others)).toHaveLength(3);
  });

  it("keeps a row whose scores are all equal, as published", async () => {
    const [pair] = await run(preset, [
      {
        prompt_id: "t",
        prompt: "p",
        completions: [1, 2].map((i) => ({ ...rowOfScores("", [4]).completions[0]!, overall_score: 4, content: `${i}` })),
      },
    ]);
    expect(pair).toMatchObject({ score_chosen: 4, score_rejected: 4 });
    expect(text(pair!.chosen)).not.toBe(text(pair!.rejected));
  });
});

it("argilla never pairs equals, rejects every lower one sometimes, and drops a row without a lower one", async () => {
  const pairs = await run(
    "argilla",
    Array.from({ length: 300 }, (_, i) => rowOfScores(`r${i}`, [3, 5, 1, 5])),
  );
  expect(pairs).toHaveLength(300);
  expect(new Set(pairs.map(({ rejected }) => text(rejected)))).toEqual(new Set(["a", "c"]));
  expect(new Set(pairs.map(({ chosen }) => text(chosen)))).toEqual(new Set(["b", "d"]));
  expect(await run("argilla", [rowOfScores("tie", [4, 4, 4, 4])])).toEqual([]);
});

it("max-min takes the two ends, and drops a row without a difference", async () => {
  const [pair] = await run("max-min", [rowOfScores("r", [3, 5, 1, 2])]);
  expect([text(pair!.chosen), text(pair!.rejected)]).toEqual(["b", "c"]);
  expect(await run("max-min", [rowOfScores("tie", [4, 4])])).toEqual([]);
});

it("all-pairs gives every pair that differs, the higher one chosen", async () => {
  const pairs = await run("all-pairs", [rowOfScores("r", [3, 5, 3, 1]), rowOfScores("tie", [2, 2])]);
  const names = pairs.map((pair) => `${text(pair.chosen)}>${text(pair.rejected)}`).toSorted();
  expect(names).toEqual(["a>d", "b>a", "b>c", "b>d", "c>d"]);
});

it("margin rejects only what lies the margin below, the bound included", async () => {
  const rows = Array.from({ length: 200 }, (_, i) => rowOfScores(`r${i}`, [5, 4, 3, 2]));
  expect(new Set((await run("margin", rows, { margin: 2 })).map(({ rejected }) => text(rejected)))).toEqual(new Set(["c", "d"]));
  expect(new Set((await run("margin", rows)).map(({ rejected }) => text(rejected)))).toEqual(new Set(["b", "c", "d"]));
  expect(await run("margin", rows, { margin: 3.5 })).toEqual([]);
});

it("unpaired labels each rated completion by the threshold, also where there is only one", async () => {
  const rows = stream([rowOfScores("r", [5, 3, 2]), rowOfScores("one", [1]), rowOfScores("none", [undefined])]);
  const labelled = await collect(binarize({ preset: "unpaired", seed: 0 })(rows));
  expect(labelled.map(({ label, completion, score }) => [text(completion), label, score])).toEqual([
    ["a", true, 5],
    ["b", true, 3],
    ["c", false, 2],
    ["a", false, 1],
  ]);
  const strict = await collect(binarize({ preset: "unpaired", seed: 0, threshold: 3.5 })(rows));
  expect(strict.map(({ label }) => label)).toEqual([true, false, false, false]);
});

it("listwise sorts from best to worst, equals sharing a rank in the row's order", async () => {
  const [list] = await collect(binarize({ preset: "listwise", seed: 0 })(stream([rowOfScores("r", [3, 5, 3, 1])])));
  expect(list!.completions.map(text)).toEqual(["b", "a", "c", "d"]);
  expect(list).toMatchObject({ scores: [5, 3, 3, 1], ranks: [1, 2, 2, 4] });
});

it("format trl holds the answers alone, format h4 whole dialogues, a string prompt and the chosen one as messages", async () => {
  const prompt = [
    { role: "system", content: "s" },
    { role: "user", content: "first" },
    { role: "assistant", content: "x" },
    { role: "user", content: "second" },
  ];
  const rows = [{ ...rowOfScores("r", [5, 1]), prompt }];
  const [trl] = await run("zephyr-paper", rows);
  expect(trl).toEqual({
    prompt_id: "r",
    prompt,
    chosen: [{ role: "assistant", content: "a" }],
    rejected: [{ role: "assistant", content: "b" }],
    score_chosen: 5,
    score_rejected: 1,
  });
  const [h4] = await collect(binarize({ preset: "zephyr-paper", seed: 0, format: "h4" })(stream(rows)));
  expect(h4).toEqual({
    prompt_id: "r",
    prompt: "first",
    chosen: [...prompt, { role: "assistant", content: "a" }],
    rejected: [...prompt, { role: "assistant", content: "b" }],
    messages: [...prompt, { role: "assistant", content: "a" }],
    score_chosen: 5,
    score_rejected: 1,
  });
});

it("reads a row of openbmb/UltraFeedback as published: string ratings, N/A, response, instruction, no prompt_id", async () => {
  const aspect = (Rating: string) => ({ Rating, Rationale: "r", "Rationale For Rating": "x", Type: "None" });
  const row = {
    source: "flan",
    instruction: "Why?",
    models: ["m1", "m2"],
    completions: [
      {
        model: "m1",
        response: "one",
        overall_score: 7.5,
        "fine-grained_score": 3,
        annotations: { honesty: aspect("N/A"), helpfulness: aspect("3") },
      },
      {
        model: "m2",
        response: "two",
        overall_score: 3,
        "fine-grained_score": 4.5,
        annotations: { honesty: aspect("5"), helpfulness: aspect("4") },
      },
    ],
  };
  const [mean] = await run("zephyr-paper", [row]);
  expect(mean).toMatchObject({
    prompt: [{ role: "user", content: "Why?" }],
    score_chosen: 4.5,
    score_rejected: 3,
    models: ["m1", "m2"],
  });
  expect(text(mean!.chosen)).toBe("two");
  // sha256 of "Why?" as sha256sum gives it.
  expect(mean!.prompt_id).toBe("5d8a995a6fa7cf7c577cc9d49ca9e00d4aee4d0bcd5e2ad5caff27e2a8097276");
  const [overall] = await run("h4", [row]);
  expect(overall).toMatchObject({ score_chosen: 7.5, score_rejected: 3 });
});

describe("rows with ratings that are missing or wrong", () => {
  it("drops and counts a row with fewer than 2 rated completions, or names it if told to", async () => {
    const rows = [rowOfScores("few", [5, undefined, "N/A"]), rowOfScores("ok", [1, 2, undefined])];
    let dropped: unknown;
    const pairs = await run("zephyr-paper", rows, { onReport: (report: { dropped: unknown }) => (dropped = report.dropped) });
    expect(pairs.map(({ prompt_id }) => prompt_id)).toEqual(["ok"]);
    expect(dropped).toEqual({ too_few: { count: 1, examples: ["few"] } });
    await expect(run("zephyr-paper", rows, { onTooFew: "error" })).rejects.toThrow(
      'binarize: row 1 (prompt_id "few") has 1 rated completions of 3, preset "zephyr-paper" needs aspect ratings on at least 2 completions',
    );
  });

  it.each([
    [6, "rating 6 is outside 1 to 5"],
    [0, "rating 0 is outside 1 to 5"],
    [Number.NaN, "rating NaN is not a number"],
    [Number.POSITIVE_INFINITY, "rating Infinity is outside 1 to 5"],
    ["five", 'rating "five" is not a number'],
    ["4/5", 'rating "4/5" is not a number'],
    ["", 'rating "" is not a number'],
    [[], "rating [] is not a number"],
    [true, "rating true is not a number"],
    [null, "rating null is missing"],
  ])("rating %j is an error naming row, completion and aspect, or drops its completion alone", async (rating, message) => {
    const bad = rowOfScores("bad", [3, 4, rating as number]);
    await expect(run("zephyr-paper", [rowOfScores("good", [1, 2]), bad])).rejects.toThrow(
      `binarize: row 2 (prompt_id "bad"), completion 2 (model "m2"), aspect "helpfulness": ${message}`,
    );
    await expect(run("zephyr-paper", [bad])).rejects.toMatchObject({ name: "RangeError", code: "BAD_RATING" });
    const [pair] = await run("max-min", [bad], { onBadRating: "drop" });
    expect([text(pair!.chosen), text(pair!.rejected)]).toEqual(["b", "a"]);
  });

  it("an aspect that the others have and one lacks is an error, not a mean of something else", async () => {
    const row = rowOfScores("r", [3, 4, 5]);
    for (const completion of row.completions.slice(0, 2)) completion.annotations!["honesty"] = { rating: "N/A", rationale: "" };
    await expect(run("zephyr-paper", [row])).rejects.toThrow(
      'completion 2 (model "m2"), aspect "honesty": rating undefined is missing',
    );
    const [pair] = await run("max-min", [row], { onBadRating: "drop" });
    expect(text(pair!.chosen)).toBe("b");
  });

  it("h4 looks at overall scores only: 11 and 0 are errors, 8.5 is a score, null is unrated", async () => {
    const scored = (scores: unknown[]) => [
      {
        prompt_id: "r",
        prompt: "p",
        completions: scores.map((overall_score, i) => ({ model: "m", content: `${i}`, overall_score })),
      },
    ];
    expect(await run("h4", scored([8.5, 1, null]))).toMatchObject([{ score_chosen: 8.5, score_rejected: 1 }]);
    await expect(run("h4", scored([1, 11]))).rejects.toThrow(
      'completion 1 (model "m"), aspect "overall_score": rating 11 is outside 1 to 10',
    );
    await expect(run("h4", scored([0, 5]))).rejects.toThrow("rating 0 is outside 1 to 10");
    expect(await run("h4", scored([1, 10, 11]), { overallScale: [1, 100] })).toHaveLength(1);
  });
});

describe("rows that are no rated rows", () => {
  it.each([
    [null, "row 1 is null, not an object"],
    [[1], "row 1 is [1], not an object"],
    [{ prompt_id: "a", completions: [] }, 'row 1 (prompt_id "a") has prompt undefined'],
    [{ prompt_id: "a", prompt: [], completions: [] }, "has prompt []"],
    [{ prompt_id: "a", prompt: [{ role: "user" }], completions: [] }, "it must be a string or a list of {role, content}"],
    [{ prompt_id: "a", prompt: [{ role: "assistant", content: "x" }], completions: [] }, "ends in an assistant turn"],
    [{ prompt_id: 7, prompt: "p", completions: [] }, "row 1 has prompt_id 7; it must be a string"],
    [{ prompt_id: "a", prompt: "p" }, "has completions undefined"],
    [{ prompt_id: "a", prompt: "p", completions: [{ model: "m", content: 5 }] }, "completion 0 has content 5"],
    [{ prompt_id: "a", prompt: "p", completions: [null] }, "completion 0 has content undefined"],
  ])("%j is a TypeError with the place", async (row, message) => {
    await expect(run("zephyr-paper", [row])).rejects.toThrow(message);
    await expect(run("zephyr-paper", [row])).rejects.toMatchObject({ name: "TypeError", code: "BAD_ROW" });
  });
});

describe("options", () => {
  const fails = (options: object) => () => binarize({ preset: "h4", seed: 0, ...options } as never);

  it("an unknown preset is an error that names the nearest", () => {
    expect(fails({ preset: "zephir-paper" })).toThrow('binarize: unknown preset "zephir-paper"; did you mean "zephyr-paper"?');
    expect(fails({ preset: "max_min" })).toThrow('did you mean "max-min"?');
    expect(fails({ preset: "toString" })).toThrow("unknown preset");
    expect(fails({ preset: undefined })).toThrow("unknown preset");
  });

  it.each([
    [{ seed: Number.NaN }, "seed is NaN; it must be an integer"],
    [{ seed: 1.5 }, "seed is 1.5"],
    [{ seed: "0" }, 'seed is "0"'],
    [{ score: "mean" }, 'preset "h4" is published with "overall"'],
    [{ preset: "max-min", score: "both" }, 'score is "both"; it must be one of "mean", "overall"'],
    [{ format: "csv" }, 'format is "csv"'],
    [{ preset: "unpaired", format: "h4" }, 'preset "unpaired" gives no pairs'],
    [{ preset: "margin", margin: 0 }, "margin is 0"],
    [{ preset: "unpaired", threshold: Number.NaN }, "threshold is NaN"],
    [{ onBadRating: "ignore" }, 'onBadRating is "ignore"'],
    [{ onTooFew: "keep" }, 'onTooFew is "keep"'],
    [{ aspectScale: [5, 1] }, "aspectScale is [5,1]"],
  ])("%j is refused before any row is read", (options, message) => {
    expect(fails(options)).toThrow(message);
  });
});

it("rowDraw is fixed for ever: changing it would change every published binarization", () => {
  const draw = rowDraw(0, "a3f");
  const other = rowDraw(-1, "naïve 🙂");
  expect([draw(1000), draw(1000), draw(1000), other(1000), other(1000)]).toMatchInlineSnapshot(`
    [
      44,
      78,
      74,
      931,
      833,
    ]
  `);
});
