import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { startAnsweringServer } from "../src/testing/answering-server.ts";
import { needsDevice } from "../src/testing/needs-device.ts";
import { reference, runCli, startCli, temporaryFolder } from "../src/testing/run-cli.ts";

const training = [
  "--model",
  reference("mistral"),
  "--data",
  reference("trl_dpo_run/preferences.jsonl"),
  "--learning-rate",
  "0.001",
  "--save-steps",
  "2",
];

/** Reads the page's events until they hold a text. */
async function untilTold(url: string, text: string): Promise<void> {
  const stop = new AbortController();
  const events = (await fetch(`${url}events`, { signal: stop.signal })).body!.pipeThrough(new TextDecoderStream());
  let told = "";
  for await (const part of events) {
    told += part;
    if (told.includes(text)) break;
  }
  stop.abort();
  expect(told).toContain(text);
}

it("a run is watched from its beginning to its end; it leaves times and, if asked, TensorBoard's events", async (context) => {
  await needsDevice(context);
  const folder = temporaryFolder();
  const run = join(folder, "dpo");
  const watch = startCli(["watch", folder, "--json", "--interval", "0.05"]);
  const [, url] = await watch.says(/(http:\/\/127\.0\.0\.1:\d+\/) shows/);
  const args = ["dpo", ...training, "--output", run, "--report-to", "tensorboard"];
  expect(await runCli([...args, "--max-steps", "3"])).toMatchObject({ code: 0 });
  await untilTold(url!, '"state":"finished"');
  watch.kill("SIGINT");
  const watched = await watch.result;
  expect(watched).toMatchObject({ code: 0, stderr: expect.stringMatching(/http:\/\/127\.0\.0\.1:\d+\/ shows/) });
  const shown = JSON.parse(watched.stdout).runs.find(({ name }: { name: string }) => name === "dpo");
  expect(shown).toMatchObject({
    state: "finished",
    step: 3,
    last: { loss: expect.any(Number), tokens_per_second: expect.any(Number) },
  });

  const times = readFileSync(join(run, "timing.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(times.map(({ step, begin }) => [step, begin])).toEqual([
    [0, true],
    [1, undefined],
    [2, undefined],
    [3, undefined],
  ]);
  expect(times.at(-1)).toMatchObject({ max_steps: 3, samples: 24, num_tokens: shown.last.num_tokens });
  const events = readdirSync(run).filter((name) => name.startsWith("events.out.tfevents."));
  expect(events).toHaveLength(1);
  const text = readFileSync(join(run, events[0]!), "latin1");
  for (const tag of ["brain.Event:2", "train/loss", "train/rewards/margins"]) expect(text).toContain(tag);

  // Anew, without: nothing of before stays.
  expect(await runCli([...args.slice(0, -2), "--max-steps", "1", "--overwrite"])).toMatchObject({ code: 0 });
  expect(readdirSync(run).filter((name) => name.includes("tfevents"))).toEqual([]);
  expect(readFileSync(join(run, "timing.jsonl"), "utf8").trimEnd().split("\n")).toHaveLength(2);
});

it("a feedback job is watched by its output, or in its folder: rows, cost, models", async () => {
  await using server = await startAnsweringServer();
  const folder = temporaryFolder();
  const [input, output, config] = ["prompts.jsonl", "completions.jsonl", "feedback.json"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(input, [1, 2, 3].map((i) => `${JSON.stringify({ prompt: `Question ${i}?` })}\n`).join(""));
  const price = { input_per_million: 1000, output_per_million: 2000 };
  const models = ["a", "b"].map((name) => ({ name, model: name, base_url: server.baseUrl, price }));
  writeFileSync(config, JSON.stringify({ models, completions_per_prompt: 2, budget_usd: 5 }));
  const ran = await runCli(["complete", "--input", input, "--output", output, "--config", config]);
  expect(ran.code, ran.stderr).toBe(0);
  for (const place of [output, folder]) {
    const { code, stdout, stderr } = await runCli(["watch", place, "--no-page", "--json"]);
    expect({ place, code }).toEqual({ place, code: 0 });
    // 20 tokens in, 5 out: 0.03 dollars an answer.
    expect(stderr).toBe("completions.jsonl  done  3 of 3 rows  $0.1800 of $5.00\n");
    const [job] = JSON.parse(stdout).feedback;
    expect(job).toMatchObject({
      command: "complete",
      status: "done",
      requests: { answered: 6, total: 6 },
      cost_usd: expect.closeTo(0.18, 12),
      models: [
        { name: "a", answered: 3 },
        { name: "b", answered: 3 },
      ],
    });
  }
});

it("a folder that is none is the caller's mistake", async () => {
  const folder = temporaryFolder();
  const first = startCli(["watch", folder, "--json"]);
  const other = await runCli(["watch", join(folder, "none")]);
  expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining("is no folder") });
  await first.says(/shows/);
  first.kill("SIGTERM");
  const { code, stdout } = await first.result;
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ runs: [{ state: "waiting", step: 0 }] });
});
