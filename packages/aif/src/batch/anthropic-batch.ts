import { randomFor } from "@zephyr/data";
import type { Transport } from "../client/transport.ts";
import type { Model, ModelDefaults, Price } from "../model.ts";
import { anthropicHeaders, messagesBody, parseReply } from "../providers/anthropic.ts";
import { acceptReply } from "../providers/http-model.ts";
import {
  type BatchApi,
  type BatchModelOptions,
  type BatchRequest,
  type BatchResult,
  type BatchState,
  batchModel,
} from "./batch-model.ts";
import { type ControlCall, controlCall, parsed } from "./control-call.ts";
import { type Ledger, type LedgerEntry, openLedger } from "./ledger.ts";

export interface AnthropicBatchOptions
  extends ModelDefaults,
    Pick<BatchModelOptions, "maxConcurrency" | "quietMs" | "pollMs" | "maxRetries"> {
  model: string;
  apiKey?: string | undefined;
  /** Default `https://api.anthropic.com/v1`. */
  baseUrl?: string | undefined;
  name?: string | undefined;
  /** A file that remembers this run's batches, for a later process. */
  ledger: string;
  price?: Price | undefined;
  transport?: Transport | undefined;
  /** Anthropic's limits, unless a test needs smaller ones. */
  maxRows?: number | undefined;
  maxBytes?: number | undefined;
}

const CONTROL_TIMEOUT_MS = 600_000;
/** An upload may take so long, and clocks may differ by so much. */
const CLAIM_BEFORE_MS = 5 * 60_000;
const CLAIM_AFTER_MS = 30 * 60_000;

interface Batch {
  id: string;
  processing_status: string;
  created_at: string;
  results_url?: string | null;
  request_counts?: Record<string, number>;
}

/**
 * A model behind Anthropic's Message Batches API: half the price, answers within a day.
 *
 * @example const judge = anthropicBatch({ model: "claude-sonnet-4-5", apiKey, ledger: "ratings.journal/batches.jsonl" });
 */
export function anthropicBatch(options: AnthropicBatchOptions): Model {
  const { model, name = model, apiKey, baseUrl = "https://api.anthropic.com/v1", temperature, topP } = options;
  const secrets = apiKey === undefined ? [] : [apiKey];
  const call = controlCall(name, secrets, randomFor(0, `batches of ${name}`), CONTROL_TIMEOUT_MS, options.transport);
  const defaults = { ...(temperature === undefined ? {} : { temperature }), ...(topP === undefined ? {} : { topP }) };
  const generate = batchModel({
    ...options,
    name,
    id: `anthropic:${model}`,
    api: anthropicBatchApi(call, baseUrl.replace(/\/+$/, ""), anthropicHeaders(apiKey), openLedger(options.ledger), options),
    body: (messages, callOptions) => messagesBody(model, messages, { ...defaults, ...callOptions }, true),
    accept: (reply) => acceptReply(parseReply(reply), JSON.stringify(reply), name, secrets),
  });
  return Object.assign(generate, { defaults: { ...generate.defaults, ...defaults } });
}

function anthropicBatchApi(
  call: ControlCall,
  baseUrl: string,
  headers: Record<string, string>,
  ledger: Ledger,
  options: AnthropicBatchOptions,
): BatchApi {
  const { maxRows = 100_000, maxBytes = 256_000_000 } = options;
  const get = (url: string): Promise<string> => call({ method: "GET", url, headers });
  const stateOf = ({ id, processing_status }: Batch): BatchState => ({ id, isOver: processing_status === "ended" });
  const batchOf = async (id: string): Promise<Batch> => JSON.parse(await get(`${baseUrl}/messages/batches/${id}`));
  return {
    maxRows,
    maxBytes,
    sizeOf: (request) => Buffer.byteLength(entryOf(request)) + 1,
    async submit(requests) {
      const number = ledger.begin(requests.map(({ customId }) => customId));
      const body = `{"requests":[${requests.map(entryOf).join(",")}]}`;
      const batch = JSON.parse(await call({ url: `${baseUrl}/messages/batches`, headers, body })) as Batch;
      ledger.submitted(number, batch.id);
      return stateOf(batch);
    },
    async adopt() {
      const entries = ledger.entries().filter((entry) => entry !== undefined);
      if (entries.length === 0) return [];
      const { data } = JSON.parse(await get(`${baseUrl}/messages/batches?limit=100`)) as { data: Batch[] };
      const adopted: { state: BatchState; customIds: string[] }[] = [];
      for (const entry of entries) {
        const id = entry.batchId ?? claim(entry, entries, data)?.id;
        if (id === undefined) continue;
        if (entry.batchId === undefined) ledger.submitted(entry.number, id);
        adopted.push({ state: stateOf(await batchOf(id)), customIds: entry.customIds });
      }
      return adopted;
    },
    poll: async (id) => stateOf(await batchOf(id)),
    async results(id) {
      const { results_url } = await batchOf(id);
      const text = await get(results_url ?? `${baseUrl}/messages/batches/${id}/results`);
      return text.split("\n").flatMap((line) => resultOf(parsed(line)));
    },
  };
}

/** The batch of an upload whose answer never came: nobody else's, of the same size, made at that time. */
function claim(entry: LedgerEntry, entries: LedgerEntry[], batches: Batch[]): Batch | undefined {
  const taken = new Set(entries.map(({ batchId }) => batchId));
  return batches.find(({ id, created_at, request_counts = {} }) => {
    const size = Object.values(request_counts).reduce((sum, count) => sum + count, 0);
    const after = Date.parse(created_at) - entry.at;
    return !taken.has(id) && size === entry.customIds.length && after > -CLAIM_BEFORE_MS && after < CLAIM_AFTER_MS;
  });
}

function entryOf({ customId, body }: BatchRequest): string {
  return JSON.stringify({ custom_id: customId, params: body });
}

/** One result line; expired and cancelled requests count as unanswered. */
function resultOf(line: unknown): BatchResult[] {
  const { custom_id, result } = (line ?? {}) as {
    custom_id?: string;
    result?: { type?: string; message?: unknown; error?: { error?: { type?: string } } };
  };
  if (typeof custom_id !== "string" || result === undefined) return [];
  if (result.type === "succeeded") return [{ customId: custom_id, status: 200, reply: result.message }];
  if (result.type !== "errored") return [{ customId: custom_id, status: 0, reply: result }];
  const isOurs = /invalid_request/.test(result.error?.error?.type ?? "");
  return [{ customId: custom_id, status: isOurs ? 400 : 500, reply: result.error }];
}
