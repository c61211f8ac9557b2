import { randomFor } from "@zephyr/data";
import { RequestError } from "../client/errors.ts";
import type { Transport } from "../client/transport.ts";
import type { Model, ModelDefaults, Price } from "../model.ts";
import { acceptReply } from "../providers/http-model.ts";
import { chatBody, parseReply } from "../providers/openai-compatible.ts";
import {
  type BatchApi,
  type BatchModelOptions,
  type BatchRequest,
  type BatchResult,
  type BatchState,
  batchModel,
} from "./batch-model.ts";
import { type ControlCall, controlCall, parsed } from "./control-call.ts";

export interface OpenaiBatchOptions
  extends ModelDefaults,
    Pick<BatchModelOptions, "maxConcurrency" | "quietMs" | "pollMs" | "maxRetries"> {
  /** Default `https://api.openai.com/v1`. */
  baseUrl?: string | undefined;
  model: string;
  apiKey?: string | undefined;
  name?: string | undefined;
  /** Marks the run's batches at the provider, so that a later process of the same run finds them. */
  runId: string;
  price?: Price | undefined;
  transport?: Transport | undefined;
  /** OpenAI's limits, unless a test needs smaller ones. */
  maxRows?: number | undefined;
  maxBytes?: number | undefined;
}

const OVER = new Set(["completed", "failed", "expired", "cancelled"]);
const CONTROL_TIMEOUT_MS = 600_000;

interface Batch {
  id: string;
  status: string;
  input_file_id: string;
  output_file_id?: string | null;
  error_file_id?: string | null;
  metadata?: { zephyr_run?: string } | null;
  errors?: { data?: { message?: string }[] } | null;
}

/**
 * A model behind OpenAI's batch API: half the price, answers within a day. Its answers have the same keys in a journal as those
 * of `openaiCompatible`, and it can stand beside online models in one run.
 *
 * @example const judge = openaiBatch({ model: "gpt-4o", apiKey, runId: "ratings-2026-11" });
 */
export function openaiBatch(options: OpenaiBatchOptions): Model {
  const { model, name = model, apiKey, baseUrl = "https://api.openai.com/v1", temperature, topP } = options;
  const secrets = apiKey === undefined ? [] : [apiKey];
  const call = controlCall(name, secrets, randomFor(0, `batches of ${name}`), CONTROL_TIMEOUT_MS, options.transport);
  const defaults = { ...(temperature === undefined ? {} : { temperature }), ...(topP === undefined ? {} : { topP }) };
  const generate = batchModel({
    ...options,
    name,
    id: `openai:${model}`,
    api: openaiBatchApi(call, baseUrl.replace(/\/+$/, ""), apiKey, options),
    body: (messages, callOptions) =>
      chatBody(model, messages, { ...defaults, ...callOptions }, "max_tokens", callOptions.responseSchema),
    accept: (reply) => acceptReply(parseReply(reply), JSON.stringify(reply), name, secrets),
  });
  return Object.assign(generate, { defaults: { ...generate.defaults, ...defaults } });
}

function openaiBatchApi(call: ControlCall, baseUrl: string, apiKey: string | undefined, options: OpenaiBatchOptions): BatchApi {
  const { runId, maxRows = 50_000, maxBytes = 200_000_000 } = options;
  const auth: Record<string, string> = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  const get = (path: string): Promise<string> => call({ method: "GET", url: `${baseUrl}${path}`, headers: auth });
  const stateOf = ({ id, status }: Batch): BatchState => ({ id, isOver: OVER.has(status) });

  async function mine(): Promise<Batch[]> {
    const found: Batch[] = [];
    for (let after = ""; ; ) {
      const page = JSON.parse(await get(`/batches?limit=100${after}`)) as { data: Batch[]; has_more?: boolean };
      found.push(...page.data.filter(({ metadata }) => metadata?.zephyr_run === runId));
      if (page.has_more !== true || page.data.length === 0) return found;
      after = `&after=${encodeURIComponent(page.data.at(-1)!.id)}`;
    }
  }

  return {
    maxRows,
    maxBytes,
    sizeOf: (request) => Buffer.byteLength(requestLine(request)),
    async submit(requests) {
      const form = multipart("requests.jsonl", requests.map(requestLine).join(""));
      const file = JSON.parse(
        await call({ url: `${baseUrl}/files`, headers: { ...auth, "content-type": form.contentType }, body: form.body }),
      ) as { id: string };
      const body = JSON.stringify({
        input_file_id: file.id,
        endpoint: "/v1/chat/completions",
        completion_window: "24h",
        metadata: { zephyr_run: runId },
      });
      return stateOf(
        JSON.parse(await call({ url: `${baseUrl}/batches`, headers: { ...auth, "content-type": "application/json" }, body })),
      );
    },
    async adopt() {
      const batches = await mine();
      return Promise.all(
        batches.map(async (batch) => ({
          state: stateOf(batch),
          customIds: lines(await get(`/files/${batch.input_file_id}/content`)).map(({ custom_id }) => String(custom_id)),
        })),
      );
    },
    poll: async (id) => stateOf(JSON.parse(await get(`/batches/${id}`))),
    async results(id) {
      const batch = JSON.parse(await get(`/batches/${id}`)) as Batch;
      // The whole batch was refused, for example for a malformed file: asking again would only repeat that.
      if (batch.status === "failed")
        throw new RequestError(
          "bad_request",
          `${options.model}: batch ${id} failed: ${batch.errors?.data?.[0]?.message ?? "no reason given"}`,
          { raw: JSON.stringify(batch) },
        );
      const files = [batch.output_file_id, batch.error_file_id].filter((file) => typeof file === "string");
      const texts = await Promise.all(files.map((file) => get(`/files/${file}/content`)));
      return texts.flatMap((text) => lines(text).map(resultOf));
    },
  };
}

function requestLine({ customId, body }: BatchRequest): string {
  return `${JSON.stringify({ custom_id: customId, method: "POST", url: "/v1/chat/completions", body })}\n`;
}

interface ResultLine {
  custom_id?: string;
  response?: { status_code?: number; body?: unknown } | null;
  error?: unknown;
}

function resultOf({ custom_id, response, error }: ResultLine): BatchResult {
  return { customId: String(custom_id), status: response?.status_code ?? 0, reply: response?.body ?? { error } };
}

/** JSON lines; one that is cut or broken counts as missing, so that its request is asked again. */
function lines(text: string): ResultLine[] {
  return text
    .split("\n")
    .map(parsed)
    .filter((line) => typeof line === "object" && line !== null) as ResultLine[];
}

function multipart(filename: string, content: string): { contentType: string; body: string } {
  // A boundary that cannot stand in JSON lines: they hold no bare line of dashes.
  const boundary = "----zephyr-batch-upload";
  const part = (name: string, value: string, extra = ""): string =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${extra}\r\n\r\n${value}\r\n`;
  const body = `${part("purpose", "batch")}${part("file", content, `; filename="${filename}"\r\nContent-Type: application/jsonl`)}--${boundary}--\r\n`;
  return { contentType: `multipart/form-data; boundary=${boundary}`, body };
}
