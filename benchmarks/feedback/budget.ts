import { complete, openaiCompatible, runComplete } from "@zephyr/aif";
import type { PromptRow } from "@zephyr/data";
import { projectedCost } from "../../packages/aif/src/run/progress-line.ts";
import { configOf, temporaryFolder } from "./processes.ts";
import { print, promptRows } from "./report.ts";
import { type BenchServer, type ServerStats, startServer } from "./server.ts";

/** Six models, 256 requests in flight, dear and cheap ones: US dollars per million tokens in and out. */
const MODELS = [
  { name: "a", inFlight: 64, prices: [0.1, 0.4] },
  { name: "b", inFlight: 64, prices: [0.5, 1.5] },
  { name: "c", inFlight: 32, prices: [2.5, 10] },
  { name: "d", inFlight: 32, prices: [15, 60] },
  { name: "e", inFlight: 32, prices: [0.2, 0.2] },
  { name: "f", inFlight: 32, prices: [3, 15] },
] as const;

/** What the server counts, by its own record of every answer. */
function billOf({ promptTokens, completionTokens }: ServerStats): number {
  return MODELS.reduce(
    (sum, { name, prices }) => sum + ((promptTokens[name] ?? 0) * prices[0] + (completionTokens[name] ?? 0) * prices[1]) / 1e6,
    0,
  );
}

async function capped(server: BenchServer, prompts: number, budget_usd: number): Promise<{ status: string; cost_usd: number }> {
  using folder = temporaryFolder();
  const models = MODELS.map(({ name, inFlight, prices }) => ({
    name,
    model: name,
    base_url: server.baseUrl,
    max_concurrency: inFlight,
    max_tokens: 800,
    price: { input_per_million: prices[0], output_per_million: prices[1] },
  }));
  const config = await configOf({ models, completions_per_prompt: 4, budget_usd });
  return await runComplete({ input: promptRows(prompts), output: folder.path("out.jsonl"), config });
}

/** What the live line says after 1% of the rows, and what the whole run then cost. */
async function projected(prompts: number, seed: number): Promise<{ after1Percent: number; end: number }> {
  await using server = await startServer({ delayMs: 5, replyCharacters: 20, variedUsage: true });
  const models = MODELS.map(({ name, inFlight, prices }) =>
    openaiCompatible({
      baseUrl: server.baseUrl,
      model: name,
      maxConcurrency: inFlight,
      price: { inputPerMillion: prices[0], outputPerMillion: prices[1] },
    }),
  );
  let after1Percent: number | undefined;
  const requests = Object.fromEntries(models.map(({ name }) => [name, (prompts * 4) / models.length]));
  const stage = complete<PromptRow>({
    models,
    seed,
    onProgress(progress) {
      if (progress.rowsDone >= prompts / 100) after1Percent ??= projectedCost(progress, requests);
    },
  });
  for await (const _row of stage(promptRows(prompts))) {
  }
  return { after1Percent: after1Percent!, end: billOf(await server.stats()) };
}

export async function budget(prompts = 10_000): Promise<void> {
  let isMet = true;
  for (const cap of [0.5, 3, 10]) {
    await using server = await startServer({ delayMs: 20, replyCharacters: 20, variedUsage: true });
    const { status, cost_usd } = await capped(server, prompts, cap);
    const bill = billOf(await server.stats());
    print({ cap_usd: cap, status, bill_usd: bill, counted_usd: cost_usd, used_share: bill / cap });
    isMet &&= status === "pending" && bill <= cap && Math.abs(bill - cost_usd) < 1e-6;
  }
  for (const seed of [0, 1, 2]) {
    const { after1Percent, end } = await projected(prompts, seed);
    const error = after1Percent / end - 1;
    print({ seed, projected_after_1_percent_usd: after1Percent, end_usd: end, error });
    isMet &&= Math.abs(error) <= 0.1;
  }
  print({ bar: "never above the cap with 256 in flight; the projection after 1% within 10% of the end", is_met: isMet });
}
