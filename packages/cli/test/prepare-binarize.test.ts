import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { rows, write } from "../src/testing/json-lines.ts";
import { runCli, startCli, temporaryFolder } from "../src/testing/run-cli.ts";

const dialogue = (id: string, question: string, answer: string) => ({
  prompt_id: id,
  messages: [
    { role: "user", content: question },
    { role: "assistant", content: answer },
  ],
});
const reportOf = (output: string) => JSON.parse(readFileSync(`${output}.report.json`, "utf8"));

it("every cleaning flag of prepare drops or rewrites its own row, and the report says so", async () => {
  const folder = temporaryFolder();
  const long = Array.from({ length: 60 }, (_, i) => `the word ${i} of that text`).join(" and ");
  const input = write(join(folder, "in.jsonl"), [
    dialogue("case", "hello there. how are you today?", "i am well. thank you for asking me."),
    dialogue("phrase", "Which one do you like best of all of these?", "Well. Banana bread is not my thing at all."),
    dialogue("short", "Hi", "Yes"),
    dialogue("long", "Tell me all of it, from the start to the end.", `${long} ${long}`),
    dialogue(
      "french",
      "Pouvez-vous me dire pourquoi le ciel est bleu ?",
      "Parce que la lumière est diffusée dans le ciel par les gaz.",
    ),
    dialogue("first", "What is the name of that text there?", long),
    dialogue("near", "What is the name of that text there?", `${long}!`),
    dialogue("bench", "What is the name of the river in the north?", "It is the one that you know from the map of the land."),
  ]);
  const phrases = join(folder, "phrases.txt");
  writeFileSync(phrases, "\uFEFFbanana bread\r\n\r\n");
  const benchmark = write(join(folder, "bench.jsonl"), [
    { question_id: 1, turns: ["What is the name of the river in the north?"] },
  ]);
  const output = join(folder, "out.jsonl");
  const flags = ["--truecase", "--drop-phrases", phrases, "--min-tokens", "8", "--max-tokens", "600", "--languages", "en"];
  const more = ["--dedupe", "minhash", "--decontaminate", benchmark];
  const ran = await runCli(["prepare", "--input", input, "--output", output, ...flags, ...more]);
  expect(ran.code, ran.stderr).toBe(0);
  expect(rows(output).map(({ prompt_id }) => prompt_id)).toEqual(["case", "first"]);
  expect(rows(output)[0].messages[0].content).toBe("Hello there. How are you today?");
  const { drops, steps } = reportOf(output);
  const reasons = drops.map(({ prompt_id, step }: { prompt_id: string; step: string }) => [prompt_id, step]);
  expect(Object.fromEntries(reasons)).toEqual({
    phrase: "dropPhrases",
    short: "filterLength",
    long: "filterLength",
    french: "filterLanguage",
    near: "dedupe minhash",
    bench: "decontaminate",
  });
  expect(steps.map(({ step }: { step: string }) => step)).toEqual([
    "truecase",
    "dropPhrases",
    "filterLength",
    "filterLanguage",
    "dedupe minhash",
    "decontaminate",
  ]);
  expect(ran.stdout).toContain("language fr");
  expect(ran.stdout).toContain('"hello there. how are you today?" became "Hello there. How are you today?"');
});

it("prepare is off by default, splits by seed alone whatever the order, and refuses what it does not know", async () => {
  const folder = temporaryFolder();
  const list = Array.from({ length: 40 }, (_, i) => dialogue(`id-${i}`, `question ${i}`, `answer ${i % 3}`));
  const input = write(join(folder, "in.jsonl"), list);
  const turned = write(join(folder, "turned.jsonl"), list.toReversed());
  const plain = await runCli(["prepare", "--input", input, "--output", join(folder, "same.jsonl")]);
  expect(plain.code, plain.stderr).toBe(0);
  expect(readFileSync(join(folder, "same.jsonl"), "utf8")).toBe(readFileSync(input, "utf8"));
  const parts = async (from: string, name: string, seed: string) => {
    const args = ["--split", "train=0.75,test=0.25", "--seed", seed];
    const ran = await runCli(["prepare", "--input", from, "--output", join(folder, `${name}.jsonl`), ...args]);
    expect(ran.code, ran.stderr).toBe(0);
    return rows(join(folder, `${name}.test.jsonl`)).map(({ prompt_id }) => prompt_id);
  };
  const test = await parts(input, "a", "1");
  expect(test).toHaveLength(10);
  expect((await parts(turned, "b", "1")).toSorted()).toEqual(test.toSorted());
  expect(await parts(input, "c", "2")).not.toEqual(test);
  expect(readdirSync(folder).filter((name) => name.includes("whole"))).toEqual([]);
  const refused = ["prepare", "--input", input, "--output", join(folder, "x.jsonl")];
  for (const wrong of [
    ["--languages", "english"],
    ["--dedupe", "fuzzy"],
    ["--split", "train=0.5"],
    ["--mix", `${input}:1,${input}:1`],
  ]) {
    const ran = await runCli([...refused, ...wrong]);
    expect([wrong, ran.code], ran.stderr).toEqual([wrong, 2]);
    expect(existsSync(join(folder, "x.jsonl"))).toBe(false);
  }
}, 300_000);

const tokenizerFolder = resolve(import.meta.dirname, "../../data/src/fixtures/mistral");

it("prepare --tokenizer counts a model's tokens, which are those of transformers", async () => {
  const folder = temporaryFolder();
  const { strings } = JSON.parse(readFileSync(resolve(tokenizerFolder, "../text.json"), "utf8"));
  const list = strings.map(({ text }: { text: string }, i: number) => ({ prompt_id: `s${i}`, text }));
  const input = write(join(folder, "in.jsonl"), list);
  const output = join(folder, "out.jsonl");
  const bounds = ["--min-tokens", "5", "--max-tokens", "20", "--tokenizer", tokenizerFolder];
  const ran = await runCli(["prepare", "--input", input, "--output", output, ...bounds]);
  expect(ran.code, ran.stderr).toBe(0);
  const counts = strings.map(({ ids_no_special }: { ids_no_special: number[] }) => ids_no_special.length);
  const kept = list.filter((_: object, i: number) => counts[i] >= 5 && counts[i] <= 20);
  expect(kept.length).toBeGreaterThan(3);
  expect(kept.length).toBeLessThan(list.length - 3);
  expect(rows(output)).toEqual(kept);
  const short = reportOf(output).drops.find(({ reason }: { reason: string }) => reason === "too short");
  expect(short.detail).toMatch(/^[0-4] tokens, at least 5$/);
  const none = await runCli([
    "prepare",
    "--input",
    input,
    "--output",
    join(folder, "x.jsonl"),
    "--min-tokens",
    "1",
    "--tokenizer",
    folder,
  ]);
  expect(none.code).toBe(1);
  expect(none.stderr).toContain("tokenizer.json");
});

it("prepare that is killed leaves no output, and the next run writes what an undisturbed one does", async () => {
  const folder = temporaryFolder();
  const list = Array.from({ length: 1000 }, (_, i) =>
    dialogue(`id-${i}`, `question ${i}`, `answer ${i % 50} ${"word ".repeat(80)}`),
  );
  const input = write(join(folder, "in.jsonl"), list);
  const pipe = join(folder, "pipe.jsonl");
  execFileSync("mkfifo", [pipe]);
  const output = join(folder, "out.parquet");
  const flags = ["--min-tokens", "20", "--dedupe", "exact", "--tokenizer", tokenizerFolder];
  const running = startCli(["prepare", "--input", pipe, "--output", output, ...flags]);
  // A pipe holds 64 KiB: when all of 256 KiB are in it, the command has read most of them, and waits for the rest.
  const sink = await open(pipe, "w");
  await sink.writeFile(readFileSync(input).subarray(0, 2 ** 18));
  running.kill("SIGKILL");
  expect((await running.result).signal).toBe("SIGKILL");
  await sink.close();
  expect(existsSync(output)).toBe(false);
  expect(existsSync(`${output}.report.json`)).toBe(false);
  const again = await runCli(["prepare", "--input", input, "--output", output, ...flags]);
  expect(again.code, again.stderr).toBe(0);
  const other = join(folder, "other.parquet");
  await runCli(["prepare", "--input", input, "--output", other, ...flags]);
  expect(readFileSync(output).equals(readFileSync(other))).toBe(true);
  expect(readFileSync(`${output}.report.json`, "utf8")).toBe(readFileSync(`${other}.report.json`, "utf8"));
});

const aspects = (rating: string) =>
  Object.fromEntries(
    ["instruction_following", "honesty", "truthfulness", "helpfulness"].map((name) => [name, { Rating: rating, Rationale: "r" }]),
  );
const openbmb = (source: string, instruction: string, scores: [overall: number, aspect: string][]) => ({
  source,
  instruction,
  completions: scores.map(([overall_score, rating], i) => ({
    model: `m${i}`,
    response: `answer ${i} to ${instruction}`,
    overall_score,
    annotations: aspects(rating),
  })),
});

it("binarize repairs openbmb rows, drops TruthfulQA, and says both in its report", async () => {
  const folder = temporaryFolder();
  const input = write(join(folder, "rated.jsonl"), [
    openbmb("flan", "One?", [
      [10, "1"],
      [7, "4"],
    ]),
    openbmb("truthful_qa", "Is it true?", [
      [3, "3"],
      [4, "4"],
    ]),
    openbmb("sharegpt", "is it TRUE", [
      [3, "3"],
      [4, "4"],
    ]),
  ]);
  const output = join(folder, "pairs.jsonl");
  const args = ["binarize", "--input", input, "--output", output, "--preset", "h4"];
  const ran = await runCli([...args, "--format", "trl", "--repair-overall-scores", "--drop-truthful-qa"]);
  expect(ran.code, ran.stderr).toBe(0);
  expect(rows(output)).toMatchObject([{ score_chosen: 7, score_rejected: 1 }]);
  expect(reportOf(output)).toMatchObject({ repair: { tens: 1, repaired: 1 }, truthful_qa: { by_source: 1, leaked: 1 } });
  expect(ran.stdout).toContain("1 set back to 1");
  const questions = join(folder, "questions.txt");
  writeFileSync(questions, "One?\n");
  const file = await runCli([...args, "--overwrite", "--drop-truthful-qa", questions, "--json"]);
  expect(JSON.parse(file.stdout)).toMatchObject({ truthful_qa: { by_source: 1, leaked: 1 }, output_rows: 1 });
  expect((await runCli(args)).code).toBe(2);
});

it("every other flag of binarize changes what it says", async () => {
  const folder = temporaryFolder();
  const list = Array.from({ length: 12 }, (_, i) =>
    openbmb("flan", `Question ${i}?`, [
      [2, "5"],
      [9, "2"],
      [6, "3"],
      [5, "3"],
    ]),
  );
  const input = write(join(folder, "rated.jsonl"), list);
  const run = async (...flags: string[]) => {
    const output = join(folder, "o.jsonl");
    const ran = await runCli(["binarize", "--input", input, "--output", output, "--overwrite", ...flags]);
    expect(ran.code, ran.stderr).toBe(0);
    return rows(output);
  };
  expect((await run("--preset", "max-min", "--score", "overall"))[0]).toMatchObject({ score_chosen: 9, score_rejected: 2 });
  expect((await run("--preset", "max-min", "--score", "mean"))[0]).toMatchObject({ score_chosen: 5, score_rejected: 2 });
  for (const row of await run("--preset", "margin", "--score", "overall", "--margin", "4"))
    expect(row.score_chosen - row.score_rejected).toBeGreaterThanOrEqual(4);
  const labels = (await run("--preset", "unpaired", "--score", "overall", "--threshold", "6")).map(({ label }) => label);
  expect(labels.slice(0, 4)).toEqual([false, true, true, false]);
  const h4 = (await run("--preset", "h4", "--format", "h4"))[0];
  expect(h4).toMatchObject({ prompt: "Question 0?", chosen: [{ role: "user" }, { role: "assistant" }] });
  expect(await run("--preset", "h4", "--seed", "3")).not.toEqual(await run("--preset", "h4", "--seed", "4"));
  write(input, [
    openbmb("flan", "Bad?", [
      [9, "7"],
      [4, "2"],
      [5, "3"],
    ]),
  ]);
  const bad = ["binarize", "--input", input, "--output", join(folder, "bad.jsonl"), "--preset", "zephyr-paper"];
  expect(await runCli(bad)).toMatchObject({ code: 1, stderr: expect.stringContaining("rating") });
  expect(existsSync(join(folder, "bad.jsonl"))).toBe(false);
  expect((await run("--preset", "zephyr-paper", "--on-bad-rating", "drop"))[0]).toMatchObject({ score_chosen: 3 });
}, 300_000);

it("eight shards give, one after another, the bytes of the whole", async () => {
  const folder = temporaryFolder();
  const list = Array.from({ length: 64 }, (_, i) =>
    openbmb("flan", `Question ${i}?`, [
      [1 + (i % 9), "2"],
      [5, "4"],
      [3, "3"],
    ]),
  );
  const run = async (part: typeof list, name: string) => {
    const input = write(join(folder, `${name}.in.jsonl`), part);
    const output = join(folder, `${name}.jsonl`);
    const ran = await runCli(["binarize", "--input", input, "--output", output, "--preset", "zephyr-paper", "--seed", "5"]);
    expect(ran.code, ran.stderr).toBe(0);
    return readFileSync(output, "utf8");
  };
  const whole = await run(list, "whole");
  const shards: string[] = [];
  for (let i = 0; i < 8; i += 1) shards.push(await run(list.slice(8 * i, 8 * i + 8), `shard-${i}`));
  expect(shards.join("")).toBe(whole);
}, 300_000);
