import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAsker } from "@zephyr/aif";
import { expect, onTestFinished, test } from "vitest";
import { annotate } from "../alpaca-eval/annotate.ts";
import { isSwitched } from "../alpaca-eval/annotator-replies.ts";
import { logprobsJudge, logprobsModel } from "./logprobs-model.ts";

type Answer = (
  body: Record<string, unknown>,
  call: number,
) => { status?: number; headers?: Record<string, string>; body: unknown };

async function serve(answer: Answer) {
  const asked: Record<string, unknown>[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const part of request) text += part;
    asked.push({ ...JSON.parse(text), authorization: request.headers.authorization });
    const { status = 200, headers = {}, body } = answer(asked.at(-1)!, asked.length);
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => void server.close());
  return { asked, baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` };
}

const tokens = (m: number, capital: number) => ({
  choices: [
    {
      finish_reason: "length",
      message: { role: "assistant", content: "m" },
      logprobs: {
        content: [
          {
            token: "m",
            logprob: Math.log(m),
            top_logprobs: [
              { token: "m", logprob: Math.log(m) },
              { token: "M", logprob: Math.log(capital) },
            ],
          },
        ],
      },
    },
  ],
  usage: { prompt_tokens: 10, completion_tokens: 1 },
});

const instructions = ["one", "two", "three", "four"];
const outputs = (generator: string) =>
  instructions.map((instruction) => ({ instruction, output: `${generator} ${instruction}`, generator }));

test("AlpacaEval 2 live: the first token's probabilities become preferences, unswitched, and a second run asks nothing", async () => {
  const { asked, baseUrl } = await serve((_, call) =>
    call === 1 ? { status: 500, body: { error: "busy" } } : { body: tokens(0.6, 0.2) },
  );
  const folder = mkdtempSync(join(tmpdir(), "zephyr-logprobs-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const run = async () => {
    const model = logprobsModel({ name: "judge", baseUrl, model: "zephyr", apiKey: "sk-secret" });
    const asker = await createAsker({ models: [model], journal: join(folder, "journal") });
    try {
      const judge = logprobsJudge(asker, model);
      return await annotate({
        modelOutputs: outputs("ours"),
        referenceOutputs: outputs("base"),
        judge,
        kind: "logprobs",
        concurrency: 1,
      });
    } finally {
      await asker.close();
    }
  };
  const rows = await run();
  expect(asked).toHaveLength(5);
  expect(asked[1]).toMatchObject({
    ...{ model: "zephyr", max_tokens: 1, temperature: 1, logprobs: true, top_logprobs: 5 },
    authorization: "Bearer sk-secret",
  });
  for (const row of rows) expect(row.preference).toBeCloseTo(isSwitched(row.instruction) ? 1.75 : 1.25, 12);
  expect(rows.map((row) => isSwitched(row.instruction))).toContain(true);
  expect(await run()).toEqual(rows);
  expect(asked).toHaveLength(5);
});

test("a server without log-probabilities ends the run at once, and no message holds the key", async () => {
  const bare = await serve(() => ({ body: { choices: [{ message: { content: "m" }, finish_reason: "stop" }] } }));
  const ask = (baseUrl: string) =>
    logprobsModel({
      name: "j",
      baseUrl,
      model: "j",
      apiKey: "sk-secret",
      limits: { maxRetries: 0, maxWaitSeconds: 0.2, timeoutSeconds: 0.3 },
    })([{ role: "user", content: "?" }]);
  await expect(ask(bare.baseUrl)).rejects.toMatchObject({
    kind: "not_found",
    message: expect.stringContaining("no top log-prob"),
  });
  expect(bare.asked).toHaveLength(1);
  const refusing = await serve(() => ({ status: 401, body: "bad key sk-secret" }));
  await expect(ask(refusing.baseUrl)).rejects.toMatchObject({ kind: "auth", message: expect.stringContaining("bad key [key]") });
  const full = await serve(() => ({ status: 429, body: { error: { code: "insufficient_quota" } } }));
  await expect(ask(full.baseUrl)).rejects.toMatchObject({ kind: "quota" });
  const broken = await serve(() => ({ body: "<html>" }));
  await expect(ask(broken.baseUrl)).rejects.toMatchObject({ message: expect.stringContaining("sent no JSON") });
  await expect(ask("http://127.0.0.1:1/v1")).rejects.toMatchObject({ message: expect.stringContaining("cannot be reached") });
});
