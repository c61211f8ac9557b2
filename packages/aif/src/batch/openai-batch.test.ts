import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { collectRows, rowsOf } from "@zephyr/data";
import { expect, test } from "vitest";
import { complete, openaiBatch, type RowFailure } from "../index.ts";
import { splitBatches } from "./batch-model.ts";

interface Line {
  custom_id: string;
  body: { messages: { content: string }[] };
}
interface FakeBatch {
  id: string;
  status: string;
  input_file_id: string;
  output_file_id?: string;
  error_file_id?: string;
  metadata: unknown;
}

const okLine = ({ custom_id, body }: Line): string =>
  JSON.stringify({
    custom_id,
    response: {
      status_code: 200,
      body: {
        model: "m",
        choices: [{ message: { content: `answer to ${body.messages[0]!.content}` }, finish_reason: "stop" }],
        usage: { prompt_tokens: 1, completion_tokens: 1 },
      },
    },
    error: null,
  });

/** OpenAI's files and batches on loopback; `work` turns a batch's lines into its end. */
async function batchServer(work: (lines: Line[], n: number) => { status?: string; output?: string[]; errors?: string[] }) {
  const files = new Map<string, string>();
  const batches: FakeBatch[] = [];
  const uploads: Line[][] = [];
  const readBody = async (request: IncomingMessage): Promise<string> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString("utf8");
  };
  const server = createServer(async (request, response) => {
    const body = await readBody(request);
    const path = request.url!.replace("/v1", "");
    const send = (value: unknown): void => void response.end(typeof value === "string" ? value : JSON.stringify(value));
    const file = /^\/files\/(.+)\/content$/.exec(path)?.[1];
    if (file !== undefined) return send(files.get(file)!);
    if (path === "/files") {
      const content = /application\/jsonl\r\n\r\n([\s\S]*?)\r\n--/.exec(body)![1]!;
      const id = `file-${files.size}`;
      files.set(id, content);
      return send({ id });
    }
    if (path === "/batches" && request.method === "POST") {
      const { input_file_id, metadata } = JSON.parse(body);
      const lines = files
        .get(input_file_id)!
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Line);
      const { status = "completed", output = [], errors = [] } = work(lines, uploads.push(lines) - 1);
      const batch: FakeBatch = { id: `batch-${batches.length}`, status: "in_progress", input_file_id, metadata };
      batches.push(batch);
      setTimeout(() => {
        files.set(`${batch.id}-out`, output.join("\n"));
        files.set(`${batch.id}-err`, errors.join("\n"));
        Object.assign(batch, {
          status,
          ...(output.length > 0 ? { output_file_id: `${batch.id}-out` } : {}),
          ...(errors.length > 0 ? { error_file_id: `${batch.id}-err` } : {}),
        });
      }, 30);
      return send(batch);
    }
    if (path.startsWith("/batches?")) return send({ data: batches, has_more: false });
    send(batches.find(({ id }) => path === `/batches/${id}`));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    uploads,
    batches,
    [Symbol.asyncDispose]: close,
  };
}

const prompts = (count: number) =>
  rowsOf(Array.from({ length: count }, (_, i) => ({ prompt_id: `p${i}`, prompt: `question ${i}` })));
const quick = { model: "m", runId: "run-1", quietMs: 20, pollMs: 10 };

async function runBatches(baseUrl: string, count: number, options: object = {}) {
  const failures: RowFailure[] = [];
  const model = openaiBatch({ ...quick, baseUrl, ...options });
  const rows = await collectRows(
    complete({ models: [model], completionsPerPrompt: 1, seed: 0, onFailure: (failure) => failures.push(failure) })(
      prompts(count),
    ),
  );
  return { answers: rows.map(({ completions }) => completions[0]!.content), failures };
}

test("fault 29: unordered, repeated, missing, cut and failed lines: each row is answered exactly once, and only the unanswered go again", async () => {
  await using server = await batchServer((lines, n) => {
    if (n > 0) return { output: lines.map(okLine) };
    const output = lines.slice(0, 6).map(okLine).reverse();
    const alien = okLine({ custom_id: "nobody", body: { messages: [{ content: "?" }] } });
    return {
      status: "expired",
      output: [...output, output[0]!, alien, okLine(lines[6]!).slice(0, 40)],
      errors: [
        JSON.stringify({ custom_id: lines[7]!.custom_id, response: { status_code: 0 }, error: { code: "batch_expired" } }),
      ],
    };
  });
  const { answers, failures } = await runBatches(server.baseUrl, 10);
  expect(answers).toEqual(Array.from({ length: 10 }, (_, i) => `answer to question ${i}`));
  expect(failures).toEqual([]);
  expect(server.uploads.map((lines) => lines.length)).toEqual([10, 4]);
});

test("fault 29: a line that the provider refuses for good fails its row alone", async () => {
  await using server = await batchServer((lines) => ({
    output: lines.slice(1).map(okLine),
    errors: [
      JSON.stringify({
        custom_id: lines[0]!.custom_id,
        response: { status_code: 400, body: { error: { message: "maximum context length is 10" } } },
      }),
    ],
  }));
  const { answers, failures } = await runBatches(server.baseUrl, 3);
  expect(answers).toHaveLength(2);
  expect(failures[0]).toMatchObject({ kind: "context_length" });
  expect(server.uploads).toHaveLength(1);
});

test("fault 30: batches are split by rows and by bytes", async () => {
  await using server = await batchServer((lines) => ({ output: lines.map(okLine) }));
  expect((await runBatches(server.baseUrl, 10, { maxRows: 4 })).answers).toHaveLength(10);
  expect(server.uploads.map((lines) => lines.length).sort()).toEqual([2, 4, 4]);
  const sized = [30, 30, 50, 120, 10].map((size, i) => ({ customId: `${i}`, body: size }));
  const split = splitBatches(sized, { maxRows: 10, maxBytes: 100, sizeOf: ({ body }) => body as number });
  expect(split.map((batch) => batch.map(({ body }) => body))).toEqual([[30, 30], [50], [120], [10]]);
});

test("fault 31: a later process finds the run's batches at the provider, takes their results, and uploads only what is new", async () => {
  await using server = await batchServer((lines) => ({ output: lines.map(okLine) }));
  await runBatches(server.baseUrl, 5);
  // Nothing of the first process is left but what the provider has, not even the batch's id.
  const { answers } = await runBatches(server.baseUrl, 7);
  expect(answers).toEqual(Array.from({ length: 7 }, (_, i) => `answer to question ${i}`));
  expect(server.uploads.map((lines) => lines.length)).toEqual([5, 2]);
  await runBatches(server.baseUrl, 2, { runId: "another run" });
  expect(server.uploads).toHaveLength(3);
});

test("a batch that is refused as a whole fails its rows with the provider's reason", async () => {
  await using server = await batchServer(() => ({ status: "failed" }));
  const { failures } = await runBatches(server.baseUrl, 2);
  expect(failures.map(({ kind }) => kind)).toEqual(["bad_request", "bad_request"]);
});
