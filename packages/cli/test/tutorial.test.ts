import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { blocksOf } from "../../../tests/documentation/markdown-blocks.ts";
import { startAnsweringServer } from "../src/testing/answering-server.ts";
import { reference, runCli, temporaryFolder } from "../src/testing/run-cli.ts";

it("docs/tutorial.md: each command does what the page says, one after the other", { timeout: 300_000 }, async ({ skip }) => {
  const doctor = await runCli(["doctor", "--json"]);
  if (doctor.code !== 0) skip(JSON.parse(doctor.stdout).error);
  await using server = await startAnsweringServer();
  const folder = temporaryFolder();
  const here = (text: string): string =>
    text.replaceAll("http://127.0.0.1:11434/v1", server.baseUrl).replaceAll("Qwen/Qwen2.5-0.5B-Instruct", reference("mistral"));
  let printed = "";
  let commands = 0;
  for (const { language, note, text, page, line } of blocksOf("docs/tutorial.md")) {
    if (language === "json") writeFileSync(join(folder, note), `${here(text)}\n`);
    if (language === "sh") printed = "";
    for (const typed of language === "sh" ? text.split("\n") : []) {
      if (!typed.startsWith("npx zephyr ")) continue;
      const { code, stdout, stderr } = await runCli(here(typed).split(" ").slice(2), {}, folder);
      expect({ typed, code, stderr: code === 0 ? "" : stderr }).toEqual({ typed, code: 0, stderr: "" });
      printed += stdout + stderr;
      commands++;
    }
    for (const promised of language === "text" ? text.split("\n") : []) expect(printed, `${page}:${line}`).toContain(promised);
  }
  expect(commands).toBeGreaterThan(10);
  const log = readFileSync(join(folder, "runs/dpo/log_history.jsonl"), "utf8").split("\n");
  expect(JSON.parse(log[0]!)).toMatchObject({ loss: expect.closeTo(Math.log(2), 6), "rewards/margins": 0 });
});
