import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { rows, write } from "../src/testing/json-lines.ts";
import { runCli, temporaryFolder } from "../src/testing/run-cli.ts";

/** A model that repeats the question, and refuses one. */
async function startModel(): Promise<string> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => (body += part));
    request.on("end", () => {
      const { model, messages } = JSON.parse(body);
      const { content } = messages.at(-1);
      response.setHeader("content-type", "application/json");
      if (content.includes("forbidden")) response.statusCode = 400;
      const message = { role: "assistant", content: `${model}: ${content}` };
      const usage = { prompt_tokens: 3, completion_tokens: 4 };
      response.end(JSON.stringify({ model, choices: [{ message, finish_reason: "stop" }], usage }));
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

describe("zephyr complete", () => {
  it("asks the pool of its config; a refused row makes the exit code 1, and --allow-failures forgives it", async () => {
    const folder = temporaryFolder();
    const base_url = await startModel();
    const models = ["a", "b"].map((name) => ({ name, base_url, model: name }));
    const config = join(folder, "feedback.json");
    writeFileSync(config, JSON.stringify({ models, completions_per_prompt: 2, seed: 0 }));
    const input = write(join(folder, "prompts.jsonl"), [
      { prompt_id: "1", prompt: "Why?", source: "x" },
      { prompt_id: "2", prompt: "forbidden" },
    ]);
    const output = join(folder, "out.jsonl");
    const args = ["complete", "--config", config, "--input", input, "--output", output];
    const preview = await runCli([...args, "--dry-run", "--json"]);
    expect(JSON.parse(preview.stdout)).toMatchObject({ status: "dry_run", exit_code: 0 });
    expect(existsSync(output)).toBe(false);
    const ran = await runCli([...args, "--json"]);
    expect(ran.code, ran.stderr).toBe(1);
    expect(JSON.parse(ran.stdout)).toMatchObject({ status: "partial", rows: 1, failed: 1 });
    const [row] = rows(output);
    expect(row).toMatchObject({ prompt_id: "1", source: "x" });
    expect(row.completions.map(({ content }: { content: string }) => content).sort()).toEqual(["a: Why?", "b: Why?"]);
    expect(rows(`${output}.failed.jsonl`)[0].prompt_id).toBe("2");
    expect((await runCli(args)).code).toBe(2);
    expect((await runCli([...args, "--resume", "--allow-failures", "1"])).code).toBe(0);
  });

  it("--push-to-hub puts rows and card into one commit of a dataset repository, and needs a token before anything is asked", async () => {
    const folder = temporaryFolder();
    const commits: string[] = [];
    const hub = createServer((request, response) => {
      let text = "";
      request.on("data", (chunk) => {
        text += chunk;
      });
      request.on("end", () => {
        if (request.url!.includes("/commit/")) commits.push(text);
        const files = request.url!.includes("/preupload/") ? JSON.parse(text).files : [];
        response.end(
          JSON.stringify({ commitOid: "1", files: files.map((file: object) => ({ ...file, uploadMode: "regular" })) }),
        );
      });
    });
    await new Promise<void>((resolve) => hub.listen(0, "127.0.0.1", resolve));
    const HF_ENDPOINT = `http://127.0.0.1:${(hub.address() as AddressInfo).port}`;
    try {
      const base_url = await startModel();
      const config = join(folder, "feedback.json");
      writeFileSync(config, JSON.stringify({ models: [{ name: "a", base_url, model: "a" }], completions_per_prompt: 1 }));
      const input = write(join(folder, "prompts.jsonl"), [{ prompt_id: "1", prompt: "Why?" }]);
      const output = join(folder, "out.jsonl");
      const args = ["complete", "--config", config, "--input", input, "--output", output, "--push-to-hub", "me/answers"];
      const refused = await runCli(args, { HF_ENDPOINT, HF_TOKEN: "" });
      expect(refused.code).toBe(2);
      expect(refused.stderr).toContain("HF_TOKEN");
      const ran = await runCli([...args, "--json"], { HF_ENDPOINT, HF_TOKEN: "hf_x" });
      expect(ran.code, ran.stderr).toBe(0);
      expect(JSON.parse(ran.stdout)).toMatchObject({ hub: `${HF_ENDPOINT}/datasets/me/answers` });
      const [, data, readme] = commits[0]!.split("\n").map((line) => JSON.parse(line).value);
      expect(data.path).toBe("data/train.jsonl");
      expect(Buffer.from(data.content, "base64")).toEqual(readFileSync(output));
      expect(Buffer.from(readme.content, "base64").toString()).toMatch(/data_files: data\/train\.jsonl[\s\S]*# Completions/);
    } finally {
      hub.close();
    }
  });

  it("a wrong key of the config is exit code 2, with the nearest one", async () => {
    const folder = temporaryFolder();
    const config = join(folder, "feedback.yaml");
    writeFileSync(config, "modls: []\n");
    const input = write(join(folder, "prompts.jsonl"), [{ prompt: "Why?" }]);
    const ran = await runCli(["complete", "--config", config, "--input", input, "--output", join(folder, "o.jsonl")]);
    expect(ran).toMatchObject({ code: 2, stdout: "", stderr: expect.stringMatching(/modls.*models/) });
  });
});

describe("zephyr prepare", () => {
  it("cleans, splits, and says of every row that is gone why", async () => {
    const folder = temporaryFolder();
    const row = (i: number, content = `Answer number ${i}.`) => ({
      id: i,
      messages: [
        { role: "user", content: `Question ${i}` },
        { role: "assistant", content },
      ],
    });
    const list = [...Array.from({ length: 10 }, (_, i) => row(i)), row(3), row(11, "As an AI language model, I cannot say.")];
    const input = write(join(folder, "in.jsonl"), list);
    const benchmark = write(join(folder, "benchmark.jsonl"), [{ instruction: "Question 7" }]);
    const output = join(folder, "out.jsonl");
    const cleaning = ["--drop-phrases", "--dedupe", "exact", "--decontaminate", benchmark, "--split", "train=0.75,test=0.25"];
    const ran = await runCli(["prepare", "--input", input, "--output", output, ...cleaning, "--json"]);
    expect(ran.code, ran.stderr).toBe(0);
    const { outputs, rows: counts } = JSON.parse(ran.stdout);
    expect(outputs).toEqual({ train: join(folder, "out.train.jsonl"), test: join(folder, "out.test.jsonl") });
    const kept = [...rows(outputs.train), ...rows(outputs.test)];
    expect(counts).toMatchObject({ all: 9, train: rows(outputs.train).length, test: rows(outputs.test).length });
    expect(kept.map(({ id }) => id).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 8, 9]);
    const { drops } = JSON.parse(readFileSync(`${output}.report.json`, "utf8"));
    expect(drops.map(({ step }: { step: string }) => step).sort()).toEqual(["decontaminate", "dedupe exact", "dropPhrases"]);
    expect(readdirSync(folder).sort()).toEqual([
      "benchmark.jsonl",
      "in.jsonl",
      "out.jsonl.report.json",
      "out.test.jsonl",
      "out.train.jsonl",
    ]);
  });

  it("mixes fractions of files", async () => {
    const folder = temporaryFolder();
    const file = (name: string, n: number) =>
      write(
        join(folder, `${name}.jsonl`),
        Array.from({ length: n }, (_, i) => ({ prompt: `${name} ${i}`, completion: "x" })),
      );
    const output = join(folder, "mixed.jsonl");
    const ran = await runCli(["prepare", "--mix", `${file("a", 10)}:0.5`, `${file("b", 4)}:1.0`, "--output", output]);
    expect(ran.code, ran.stderr).toBe(0);
    const prompts = rows(output).map(({ prompt }) => prompt[0]);
    expect(prompts.filter((name) => name === "a")).toHaveLength(5);
    expect(prompts.filter((name) => name === "b")).toHaveLength(4);
    expect((await runCli(["prepare", "--mix", "a.jsonl:2", "--output", join(folder, "x.jsonl")])).code).toBe(2);
  });
});

describe("zephyr eval", () => {
  it("preferences: rewards that are in the file need no model", async () => {
    const folder = temporaryFolder();
    const pairs = [0.5, 0.2, -0.1, 0.3].map((margin, i) => ({
      prompt_id: `${i}`,
      chosen_reward: margin,
      rejected_reward: 0,
      source: "s",
    }));
    const output = join(folder, "run");
    const data = write(join(folder, "pairs.jsonl"), pairs);
    const ran = await runCli(["eval", "preferences", "--data", data, "--output", output, "--json"]);
    expect(ran.code, ran.stderr).toBe(0);
    expect(JSON.parse(ran.stdout)).toMatchObject({ n: 4, accuracy: 0.75 });
    expect(JSON.parse(readFileSync(join(output, "eval-preferences.json"), "utf8"))).toEqual(JSON.parse(ran.stdout));
    write(data, [{ prompt: "a", chosen: "b", rejected: "c" }]);
    expect(await runCli(["eval", "preferences", "--data", data])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--model is missing"),
    });
  });

  it("mt-bench and alpaca: stored verdicts are read again from their text", async () => {
    const folder = temporaryFolder();
    const judgment = (question_id: number, rating: number) => ({
      question_id,
      model: "m",
      judge: ["j", "single-v1"],
      judgment: `Good. Rating: [[${rating}]]`,
      score: 1,
      turn: 1,
    });
    const judgments = write(join(folder, "j.jsonl"), [judgment(81, 8), judgment(82, 6), judgment(82, 5)]);
    const mtBench = await runCli(["eval", "mt-bench", "--judgments", judgments, "--json"]);
    expect(JSON.parse(mtBench.stdout)).toMatchObject({ repeated: 1, models: [{ model: "m", score: 6.5, n: 2 }] });
    const annotations = join(folder, "annotations.json");
    writeFileSync(
      annotations,
      JSON.stringify([2, 1, 2, 1.5].map((preference, i) => ({ instruction: `i${i}`, output_1: "b", output_2: "m", preference }))),
    );
    const alpaca = await runCli(["eval", "alpaca", "--annotations", annotations, "--json"], { ZEPHYR_BENCHMARK_DATA: folder });
    expect(JSON.parse(alpaca.stdout)).toMatchObject({
      win_rate: 62.5,
      n_total: 4,
      notes: [expect.stringContaining("--lc-data")],
    });
  });
});
