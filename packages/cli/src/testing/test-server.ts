import { readFileSync } from "node:fs";
import { createGenerator, loadModel, type Policy, requestDevice } from "@zephyr/train-webgpu";
import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { type HttpServer, listen } from "../serve/http-server.ts";
import { createService, type Service } from "../serve/service.ts";
import { reference } from "./run-cli.ts";

interface Greedy {
  generations: { messages: OpenAI.ChatCompletionMessageParam[]; prompt_ids: number[]; new_ids: number[]; logps: number[] }[];
}

/** What transformers generates greedily from the reference model. */
export const { generations }: Greedy = JSON.parse(readFileSync(reference("greedy.json"), "utf8"));

/** The reference model behind HTTP, as "tiny", with the key "secret", room for 256 tokens and for 12 answers. */
export interface TestServer extends Disposable {
  policy: Policy;
  service: Service;
  server: HttpServer;
  client: OpenAI;
  /** Errors that were no client's fault. */
  faults: unknown[];
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
}

async function startTestServer(): Promise<TestServer> {
  const device = await requestDevice();
  const policy = await loadModel(device, reference("mistral"));
  const generator = createGenerator(policy, { slots: 4, maxLength: 256 });
  const service = createService({ generator, tokenizer: policy.tokenizer!, name: "tiny", maxLength: 256, capacity: 12, seed: 0 });
  const faults: unknown[] = [];
  const onFault = (error: unknown): void => void faults.push(error);
  const server = await listen(service, { host: "127.0.0.1", port: 0, apiKey: "secret", onFault });
  const post: TestServer["post"] = (path, body, headers = {}) =>
    fetch(`${server.url}${path}`, {
      method: "POST",
      headers: { authorization: "Bearer secret", "content-type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  return {
    policy,
    service,
    server,
    client: new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "secret", maxRetries: 0 }),
    faults,
    post,
    async settled() {
      while ((await post("/v1/completions", { prompt: [5], max_tokens: 1, n: 12 })).status === 429)
        await new Promise((resolve) => setTimeout(resolve, 5));
    },
    [Symbol.dispose]() {
      server.destroy();
      for (const one of [generator, policy, device]) one[Symbol.dispose]();
    },
  };
}

/** Starts a server for all tests of a file, which are skipped, with the reason, where no device can be had. */
export function withTestServer(use: (server: TestServer) => void): void {
  let server: TestServer | undefined;
  let noDevice: string | undefined;
  beforeAll(async () => {
    try {
      server = await startTestServer();
      use(server);
    } catch (error) {
      noDevice = (error as Error).message;
    }
  });
  afterAll(() => server?.[Symbol.dispose]());
  beforeEach(({ skip }) => {
    if (noDevice !== undefined) skip(noDevice);
  });
}
