import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { collectRows, rowsOf } from "@zephyr/data";
import { afterAll, expect, test } from "vitest";
import { faultServer, type SeenRequest } from "../../test/fault-server.ts";
import { anthropicBatch, complete } from "../index.ts";

const folder = mkdtempSync(join(tmpdir(), "aif-batch-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Entry {
  custom_id: string;
  params: { messages: { content: string }[] };
}

/** Anthropic's batches on loopback; the n-th creation can be kept from answering, as if the process had died there. */
async function batchServer(loseCreation: (n: number) => boolean) {
  const batches: { id: string; processing_status: string; created_at: string; request_counts: object; requests: Entry[] }[] = [];
  const succeeded = ({ custom_id, params }: Entry): string =>
    JSON.stringify({
      custom_id,
      result: {
        type: "succeeded",
        message: { content: [{ type: "text", text: `answer to ${params.messages[0]!.content}` }], stop_reason: "end_turn" },
      },
    });
  const server = await faultServer((request: SeenRequest) => (response) => {
    const path = request.path.replace("/v1/messages/batches", "");
    const shown = ({ requests, ...batch }: (typeof batches)[number]): object => batch;
    const send = (value: unknown): void => void response.end(typeof value === "string" ? value : JSON.stringify(value));
    const requests = request.body["requests"] as Entry[] | undefined;
    if (requests !== undefined) {
      const batch = {
        id: `b${batches.length}`,
        processing_status: "in_progress",
        created_at: new Date().toISOString(),
        request_counts: { processing: requests.length },
        requests,
      };
      batches.push(batch);
      setTimeout(() => Object.assign(batch, { processing_status: "ended" }), 30);
      if (!loseCreation(batches.length - 1)) send(shown(batch));
      return;
    }
    if (path.startsWith("?")) return send({ data: batches.map(shown) });
    const batch = batches.find(({ id }) => path.startsWith(`/${id}`))!;
    if (!path.endsWith("/results")) return send(shown(batch));
    const [first, ...others] = batch.requests;
    const expired = JSON.stringify({ custom_id: first!.custom_id, result: { type: "expired" } });
    send([...others.map(succeeded).reverse(), batch.id === "b0" ? expired : succeeded(first!)].join("\n"));
  });
  return { baseUrl: server.baseUrl, batches, [Symbol.asyncDispose]: () => server.close() };
}

const prompts = rowsOf(Array.from({ length: 5 }, (_, i) => ({ prompt_id: `p${i}`, prompt: `question ${i}` })));
const wanted = Array.from({ length: 5 }, (_, i) => `answer to question ${i}`);
const quick = { model: "claude", quietMs: 20, pollMs: 10 };
const answersOf = async (baseUrl: string, ledger: string): Promise<string[]> => {
  const rows = await collectRows(
    complete({ models: [anthropicBatch({ ...quick, baseUrl, ledger })], completionsPerPrompt: 1, seed: 0 })(prompts),
  );
  return rows.map(({ completions }) => completions[0]!.content);
};

test("fault 29: requests that expired in one Anthropic batch go into another, the others do not", async () => {
  await using server = await batchServer(() => false);
  expect(await answersOf(server.baseUrl, join(folder, "a.jsonl"))).toEqual(wanted);
  expect(server.batches.map(({ requests }) => requests.length)).toEqual([5, 1]);
});

test("fault 31: a batch whose id never reached us is found by size and time, and not uploaded again", async () => {
  await using server = await batchServer((n) => n === 0);
  const ledger = join(folder, "b.jsonl");
  const abandoned = anthropicBatch({ ...quick, baseUrl: server.baseUrl, ledger });
  for await (const { prompt } of prompts) void abandoned([{ role: "user", content: prompt }]).catch(() => {});
  while (server.batches.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(await answersOf(server.baseUrl, ledger)).toEqual(wanted);
  expect(server.batches.map(({ requests }) => requests.length)).toEqual([5, 1]);
});
