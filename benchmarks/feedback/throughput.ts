import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PromptRow } from "@zephyr/data";
import { median, print, promptRows } from "./report.ts";
import { startServer } from "./server.ts";

const IN_FLIGHT = 256;
const WARM_UP = 2000;

type Client = (baseUrl: string, requests: number) => Promise<number>;

/** `complete` with everything that a paid run has on: durable journal, both limits, budget, prices, usage. */
async function zephyr(baseUrl: string, requests: number): Promise<number> {
  const { complete, openaiCompatible } = await import("@zephyr/aif");
  const limits = { maxConcurrency: IN_FLIGHT, requestsPerMinute: 10_000_000, tokensPerMinute: 10_000_000_000 };
  const model = openaiCompatible({ baseUrl, model: "m", ...limits, price: { inputPerMillion: 1, outputPerMillion: 2 } });
  const folder = mkdtempSync(join(tmpdir(), "zephyr-throughput-"));
  let answered = 0;
  try {
    const stage = complete<PromptRow>({
      models: [model],
      completionsPerPrompt: 1,
      budgetUsd: 1e6,
      journal: join(folder, "journal"),
    });
    for await (const { completions } of stage(promptRows(requests))) answered += completions.length;
  } finally {
    rmSync(folder, { recursive: true });
  }
  return answered;
}

/** The same requests in flight, nothing else: no journal, no limits, no retries, no checks. */
async function undici(baseUrl: string, requests: number): Promise<number> {
  const resolve = createRequire(createRequire(import.meta.url).resolve("@zephyr/aif/package.json"));
  const { Pool } = (await import(resolve.resolve("undici"))) as typeof import("undici");
  const { origin, pathname } = new URL(baseUrl);
  const pool = new Pool(origin, { connections: IN_FLIGHT });
  const headers = { "content-type": "application/json" };
  const answered = await inFlight(requests, async ({ prompt }) => {
    const body = JSON.stringify({ model: "m", max_tokens: 1024, messages: [{ role: "user", content: prompt }] });
    const reply = await pool.request({ path: `${pathname}/chat/completions`, method: "POST", headers, body });
    const { choices } = (await reply.body.json()) as { choices: { message: { content: string } }[] };
    return choices[0]!.message.content.length > 0;
  });
  await pool.close();
  return answered;
}

async function openai(baseUrl: string, requests: number): Promise<number> {
  const { default: OpenAI } = await import("openai");
  const client = new OpenAI({ baseURL: baseUrl, apiKey: "none" });
  return inFlight(requests, async ({ prompt }) => {
    const messages = [{ role: "user" as const, content: prompt as string }];
    const reply = await client.chat.completions.create({ model: "m", max_tokens: 1024, messages });
    return (reply.choices[0]!.message.content ?? "").length > 0;
  });
}

async function inFlight(requests: number, ask: (row: PromptRow) => Promise<boolean>): Promise<number> {
  const rows = promptRows(requests)[Symbol.asyncIterator]();
  let answered = 0;
  const work = async (): Promise<void> => {
    for (let next = await rows.next(); !next.done; next = await rows.next()) if (await ask(next.value)) answered++;
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
  return answered;
}

const CLIENTS: Record<string, Client> = { zephyr, undici, openai };

interface Measured {
  requests_per_second: number;
  /** User and system time of the client's process, its threads included. */
  cpu_ms_per_request: number;
}

async function runClient(name: string, baseUrl: string, requests: number): Promise<void> {
  const client = CLIENTS[name]!;
  await client(baseUrl, WARM_UP);
  const cpu = process.cpuUsage();
  const started = performance.now();
  const answered = await client(baseUrl, requests);
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  if (answered !== requests) throw new Error(`throughput: ${answered} of ${requests} answers`);
  console.log(JSON.stringify({ requests_per_second: requests / seconds, cpu_ms_per_request: (user + system) / 1000 / requests }));
}

/** Each client in a process of its own, in turn, `rounds` times against one server; medians. */
export async function throughput(requests = 12_000, rounds = 3): Promise<void> {
  await using server = await startServer({ delayMs: 20 });
  const runs: Record<string, Measured[]> = {};
  for (let round = 0; round < rounds; round++) {
    for (const name of Object.keys(CLIENTS)) {
      const count = name === "openai" ? Math.ceil(requests / 3) : requests;
      const args = [...process.execArgv, import.meta.filename, name, server.baseUrl, String(count)];
      const { status, stdout } = spawnSync(process.execPath, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
      if (status !== 0) throw new Error(`throughput: ${name} ended with ${status}`);
      const measured = JSON.parse(stdout) as Measured;
      runs[name] ??= [];
      runs[name].push(measured);
      print({ client: name, round, ...measured });
    }
  }
  const of = (name: string, key: keyof Measured): number => median(runs[name]!.map((run) => run[key]));
  const perSecond = of("zephyr", "requests_per_second");
  const ratios = {
    requests_per_second: perSecond,
    over_openai: perSecond / of("openai", "requests_per_second"),
    over_undici: perSecond / of("undici", "requests_per_second"),
    cpu_over_undici: of("zephyr", "cpu_ms_per_request") / of("undici", "cpu_ms_per_request"),
  };
  const isMet = (ratios.over_openai >= 5 || ratios.over_undici >= 0.63) && ratios.cpu_over_undici <= 2.3;
  print({ bar: "5x openai or 63% of undici, at most 2.3x undici's CPU a request", ...ratios, is_met: isMet });
}

if (process.argv[1] === import.meta.filename) {
  const [, , name, baseUrl, requests] = process.argv as [string, string, string, string, string];
  await runClient(name, baseUrl, Number(requests));
  process.exit(0);
}
