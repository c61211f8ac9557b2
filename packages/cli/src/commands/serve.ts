import { basename, resolve } from "node:path";
import { createGenerator, type Device } from "@zephyr/train-webgpu";
import { usageError } from "../errors/usage-error.ts";
import { integer, text } from "../flags/flag.ts";
import type { Interrupt } from "../interrupt/interrupt.ts";
import { modelFlags, openModel } from "../models/open-policy.ts";
import { type HttpServer, listen } from "../serve/http-server.ts";
import { createService } from "../serve/service.ts";
import { command } from "./command.ts";

/** `zephyr serve`: a local model behind OpenAI's API. */
export const serve = command({
  description:
    "Serves a local model as OpenAI's API does: /v1/chat/completions, /v1/completions, /v1/models. Requests share every pass over the weights. Ctrl-C or SIGTERM ends it after the requests under way.",
  flags: {
    ...modelFlags,
    modelName: text({ help: "what clients call the model [its folder's name]", placeholder: "NAME" }),
    host: text({ help: "address to listen on; 0.0.0.0 for every one", default: "127.0.0.1", placeholder: "ADDRESS" }),
    port: integer({ help: "port to listen on; 0: any that is free", default: 8000, min: 0, max: 65_535 }),
    apiKeyEnv: text({ help: "environment variable with the key that clients must send", placeholder: "NAME" }),
    batchSize: integer({ help: "sequences in flight", default: 16, min: 1 }),
    maxQueue: integer({ help: "answers that may wait; more are refused with 429", default: 256, min: 0 }),
    maxLength: integer({ help: "tokens of prompt and answer together [4096, or the model's limit]", min: 2 }),
    seed: integer({ help: "draws of requests that bring no seed depend on it and on their number", default: 0, min: 0 }),
  },
  graceful: true,
  async run({ flags, reporter, interrupt }) {
    const { host, port, apiKeyEnv, batchSize, maxQueue, model, seed } = flags;
    const apiKey = apiKeyEnv === undefined ? undefined : process.env[apiKeyEnv];
    if (apiKeyEnv !== undefined && !apiKey)
      throw usageError(`--api-key-env ${apiKeyEnv} is not set; set that variable to the key, or leave the flag out`);
    using opened = await openModel(flags, reporter);
    const { policy } = opened;
    const { tokenizer, config, device } = policy;
    if (!tokenizer) throw usageError(`--model ${model} has no tokenizer; put its tokenizer.json into the folder`);
    const maxLength = Math.min(flags.maxLength ?? 4096, config.maxPositionEmbeddings);
    using generator = createGenerator(policy, { slots: batchSize, maxLength });
    const name = flags.modelName ?? basename(resolve(model));
    const service = createService({ generator, tokenizer, name, maxLength, capacity: batchSize + maxQueue, seed });
    const onFault = (error: unknown): void => reporter.note(`serve: a request failed: ${(error as Error).message ?? error}`);
    const server = await listen(service, { host, port, apiKey, onFault });
    reporter.note(`${name} is served at ${server.url}/v1`);
    await end(server, device, interrupt);
    const { requests, failed, cancelled } = service.totals;
    return {
      result: { url: server.url, model: name, ...service.totals },
      lines: [`${requests} requests, ${failed} failed, ${cancelled} cancelled`],
    };
  },
});

/** Waits for the user's wish to stop and for the requests then under way. Throws where the device is lost, which no request survives. */
async function end(server: HttpServer, device: Device, { drain }: Interrupt): Promise<void> {
  const asked = new Promise<void>((resolve) => {
    if (drain.aborted) resolve();
    else drain.addEventListener("abort", () => resolve(), { once: true });
  });
  const lost = device.lost.then((info) => {
    throw Object.assign(new Error(`serve: the device was lost (${info.message}); start the server again`), {
      code: "ERR_DEVICE_LOST",
    });
  });
  try {
    await Promise.race([asked, lost]);
    await Promise.race([server.drain(), lost]);
  } finally {
    server.destroy();
  }
}
