import { type CompletionsRow, collectRows, type PromptRow, rowsOf } from "@zephyr/data";
import { expect, test } from "vitest";
import { complete, openaiCompatible, type RowFailure, rate } from "../src/index.ts";
import { judging } from "./fake-judge.ts";
import { answer, type Behaviour, echo, faultServer, type SeenRequest, status } from "./fault-server.ts";

async function completeThrough(
  behaviour: (request: SeenRequest, n: number) => Behaviour,
  rows: PromptRow[] = [{ prompt_id: "a", prompt: "hello" }],
) {
  await using server = await faultServer(behaviour);
  const model = openaiCompatible({ baseUrl: server.baseUrl, model: "m", maxRetries: 0 });
  const failures: RowFailure[] = [];
  const done = await collectRows(
    complete({ models: [model], completionsPerPrompt: 1, seed: 0, onFailure: (failure) => failures.push(failure) })(rowsOf(rows)),
  );
  return { rows: done, failures, requests: server.requests };
}

const TEXTS = ["worth 2", "worth 5", "worth 1", "worth 4"];
const completionsRow = (): CompletionsRow => ({
  prompt_id: "a",
  prompt: "hello",
  completions: TEXTS.map((content, i) => ({ model: `m${i}`, content })),
});

async function rateThrough(
  behaviour: (request: SeenRequest, n: number) => Behaviour,
  options: Partial<Parameters<typeof rate>[0]> = {},
) {
  await using server = await faultServer(behaviour);
  const judge = openaiCompatible({ baseUrl: server.baseUrl, model: "judge", maxRetries: 0 });
  const failures: RowFailure[] = [];
  const rows = await collectRows(
    rate({ judge, seed: 0, onFailure: (failure) => failures.push(failure), ...options })(rowsOf([completionsRow()])),
  );
  return { rows, failures, requests: server.requests };
}

test("fault 21: a completion cut at max_tokens is kept and flagged", async () => {
  const { rows } = await completeThrough(() => answer("half a", { finish: "length" }));
  expect(rows[0]!.completions[0]).toMatchObject({ content: "half a", finish_reason: "length", truncated: true });
});

test("fault 21: a judge's cut reply is asked for once more with twice the tokens, then the row fails", async () => {
  const { rows, requests } = await rateThrough((request) =>
    request.body.max_tokens === 1024 ? answer("#### Out", { finish: "length" }) : judging(),
  );
  expect(rows).toHaveLength(1);
  expect(requests.map(({ body }) => body.max_tokens).sort()).toEqual([...Array(8).fill(1024), ...Array(8).fill(2048)]);
  const cut = await rateThrough(() => answer("#### Out", { finish: "length" }));
  expect(cut.failures[0]).toMatchObject({ kind: "length", raw: "#### Out" });
  expect(cut.requests).toHaveLength(16);
});

test.each([
  ["22: content_filter", answer("", { finish: "content_filter" }), "content_filter"],
  ["20: a refusal", answer(null, { message: { refusal: "I cannot help with that" } }), "refusal"],
  [
    "9: a context that is too long",
    status(400, { error: { code: "context_length_exceeded", message: "maximum context length" } }),
    "context_length",
  ],
])("fault %s fails its row without a retry, and a second pass does not ask again", async (_name, fault, kind) => {
  await using server = await faultServer((request) => (request.body.messages[0]!.content === "bad" ? fault : answer(echo)));
  const model = openaiCompatible({ baseUrl: server.baseUrl, model: "m" });
  const failures: RowFailure[] = [];
  const rows = complete({ models: [model], completionsPerPrompt: 1, seed: 0, onFailure: (failure) => failures.push(failure) })(
    rowsOf([{ prompt: "good" }, { prompt: "bad" }, { prompt: "fine" }]),
  );
  const first = await collectRows(rows);
  const second = await collectRows(rows);
  expect(first.map(({ prompt }) => prompt)).toEqual(["good", "fine"]);
  expect(second).toEqual(first);
  expect(failures.map((failure) => failure.kind)).toEqual([kind, kind]);
  expect(server.requests).toHaveLength(3);
});

test("fault 20: a reply that stays empty fails its row, never a blank completion", async () => {
  const { rows, failures } = await completeThrough(
    (request) => (request.body.messages[0]!.content === "bad" ? answer("") : answer(echo)),
    [{ prompt: "a" }, { prompt: "bad" }],
  );
  expect(rows).toHaveLength(1);
  expect(failures[0]).toMatchObject({ kind: "empty" });
});

test("a failed row ends the stage when nobody listens for failures", async () => {
  await using server = await faultServer(() => answer("", { finish: "content_filter" }));
  const model = openaiCompatible({ baseUrl: server.baseUrl, model: "m" });
  const rows = complete({ models: [model], completionsPerPrompt: 1, seed: 0 })(rowsOf([{ prompt_id: "row-7", prompt: "x" }]));
  await expect(collectRows(rows)).rejects.toThrow(/row-7.*content_filter.*onFailure/s);
});

test.each([
  ["missing", undefined],
  ["absurd", { prompt_tokens: -5, completion_tokens: 1e300 }],
  ["of strings", { prompt_tokens: "12", completion_tokens: "3" }],
])("fault 23: a usage that is %s is estimated for the cost and left out of the row", async (_name, usage) => {
  const { rows } = await completeThrough(() => answer("fine", usage === undefined ? { usage: null } : { usage }));
  expect(rows[0]!.completions[0]).not.toHaveProperty("usage");
});

test("fault 24: an unreadable reply gets one correction turn that names the problem", async () => {
  const { rows, requests } = await rateThrough((request) =>
    request.body.messages.length === 2 ? answer("All are good.") : judging(),
  );
  expect(rows[0]!.completions.map(({ overall_score }) => overall_score)).toEqual([4, 10, 2, 8]);
  const corrections = requests.filter(({ body }) => body.messages.length === 4);
  expect(corrections).toHaveLength(8);
  expect(corrections[0]!.body.messages[2]).toEqual({ role: "assistant", content: "All are good." });
});

test("fault 24: a reply that stays unreadable fails the row with the raw reply after exactly one correction", async () => {
  const { rows, failures, requests } = await rateThrough(() => answer("All are good."));
  expect(rows).toEqual([]);
  expect(failures).toHaveLength(1);
  expect(failures[0]).toMatchObject({ kind: "unparsable", raw: "All are good." });
  expect(failures[0]!.failures).toHaveLength(8);
  expect(requests).toHaveLength(16);
});

test("ratings return to the completions they are about, whatever order the texts were shown in", async () => {
  const { rows, requests } = await rateThrough(() => judging());
  expect(requests).toHaveLength(8);
  const [row] = rows;
  for (const aspect of ["instruction_following", "honesty", "truthfulness", "helpfulness"]) {
    expect(row!.completions.map(({ annotations }) => annotations![aspect]!.rating)).toEqual([2, 5, 1, 4]);
    expect(row!.completions.map(({ annotations }) => annotations![aspect]!.rationale)).toEqual(
      TEXTS.map((text) => `it says ${JSON.stringify(text)}`),
    );
  }
  expect(row!.completions.map(({ overall_score }) => overall_score)).toEqual([4, 10, 2, 8]);
  const orders = row!.judge_replies.filter(({ order }) => order.length === 4).map(({ order }) => order.join());
  expect(new Set(orders).size).toBeGreaterThan(1);
  expect(row!.judge_replies).toHaveLength(8);
});

test("repeats show other orders and average the ratings", async () => {
  let n = 0;
  const { rows } = await rateThrough(
    (request) =>
      request.body.messages[1]!.content.includes("Overall Score")
        ? judging()
        : answer(() => [1, 2, 3, 4].map((i) => `#### Output for Text ${i}\nRating: ${n++ % 2 ? 2 : 3}\nRationale: r`).join("\n")),
    {
      repeats: 4,
    },
  );
  const replies = rows[0]!.judge_replies.filter(({ aspect }) => aspect === "honesty");
  expect(replies).toHaveLength(4);
  expect(new Set(replies.map(({ order }) => order.join())).size).toBeGreaterThan(1);
  for (const { annotations } of rows[0]!.completions) expect(annotations!["honesty"]!.rating).toBeGreaterThanOrEqual(2);
});

test("an unknown server is sent a JSON schema once; after its refusal none is sent in the whole run", async () => {
  const { rows, requests } = await rateThrough((request) =>
    request.body["response_format"] === undefined
      ? judging()
      : status(400, { error: { message: "response_format is not supported" } }),
  );
  expect(rows).toHaveLength(1);
  expect(requests.filter(({ body }) => body["response_format"] !== undefined)).toHaveLength(1);
  expect(requests).toHaveLength(9);
});

test("a server that takes JSON schemas gets them with every request", async () => {
  const { rows, requests } = await rateThrough((request) =>
    answer(() => {
      const schema = JSON.stringify(request.body["response_format"]);
      if (schema.includes("overall_score")) return JSON.stringify({ critique: "c", overall_score: 1 });
      return JSON.stringify({ texts: [1, 2, 3, 4].map((text) => ({ text, type: ["1"], rationale: "r", rating: "N/A" })) });
    }),
  );
  expect(requests.every(({ body }) => body["response_format"] !== undefined)).toBe(true);
  expect(rows[0]!.completions[0]).toMatchObject({
    overall_score: 1,
    critique: "c",
    annotations: { honesty: { rating: "N/A", rationale: "r" } },
  });
});

test("fault 26: a 10 that is cut after its 1 is never a 1: the cut reply is asked for again, and ratings are asked for as an enumeration", async () => {
  const { rows, requests } = await rateThrough((request) => {
    const isCritique = request.body.messages[1]!.content.includes("Overall Score:");
    if (!isCritique) return judging();
    const isFirst = request.body.max_tokens === 1024;
    return answer(isFirst ? "Critique: fine\n\nOverall Score: 1" : "Critique: fine\n\nOverall Score: 10", {
      finish: isFirst ? "length" : "stop",
    });
  });
  expect(rows[0]!.completions.map(({ overall_score }) => overall_score)).toEqual([10, 10, 10, 10]);
  const ratings = requests.flatMap(({ body }) => JSON.stringify(body).match(/"rating":{[^}]*}/)?.[0] ?? []);
  expect(new Set(ratings)).toEqual(new Set(['"rating":{"type":"string","enum":["1","2","3","4","5","N/A"]}']));
});

test("fault 27: a score inside the judged text does not reach the parser, and its markers are drawn anew for each call", async () => {
  const { requests } = await rateThrough(() => judging());
  const marks = requests.map(({ body }) => /<instruction (\w+)>/.exec(body.messages[1]!.content)![1]);
  expect(new Set(marks).size).toBe(requests.length);
});

test("fault 42: another model behind the name is warned of and recorded", async () => {
  const progress = { warnings: new Map<string, number>() };
  await using server = await faultServer(() => answer("fine", { model: "cheaper-model" }));
  const model = openaiCompatible({ baseUrl: server.baseUrl, model: "dear-model" });
  const rows = await collectRows(
    complete({
      models: [model],
      completionsPerPrompt: 1,
      seed: 0,
      onProgress: ({ asker }) => (progress.warnings = asker.warnings),
    })(rowsOf([{ prompt: "x" }])),
  );
  expect(rows[0]!.completions[0]).toMatchObject({ model: "dear-model", served_model: "cheaper-model" });
  expect([...progress.warnings.keys()][0]).toMatch(/dear-model.*cheaper-model/);
});

test("a pairwise aspect compares every two texts both ways round; its rating is the share of wins on the scale", async () => {
  const longest = (request: SeenRequest): string => {
    const [one, two] = [...request.body.messages[1]!.content.matchAll(/worth (\d)/g)].map(([, n]) => Number(n));
    return `Rationale: more\nWinner: ${one! > two! ? 1 : 2}`;
  };
  const scale = { 1: "a", 2: "b", 3: "c", 4: "d" };
  const rubric = {
    name: "own",
    aspects: { worth: { instructions: "Which is worth more?", scale, output: "pairwise" as const } },
    critique: null,
  };
  const { rows, requests } = await rateThrough(() => answer(longest), { rubric });
  expect(requests).toHaveLength(12);
  // Worth 2, 5, 1, 4: one, three, no and two wins of three.
  expect(rows[0]!.completions.map(({ annotations }) => annotations!["worth"]!.rating)).toEqual([2, 4, 1, 3]);
  // A judge that always takes the first place gives everybody the middle.
  const biased = await rateThrough(() => answer("Winner: Text 1"), { rubric });
  expect(biased.rows[0]!.completions.map(({ annotations }) => annotations!["worth"]!.rating)).toEqual([2.5, 2.5, 2.5, 2.5]);
});
