import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { completionsScore } from "./completions-score.ts";

async function serve<T>(
  handle: (body: { prompt: string; max_tokens: number }, response: ServerResponse, request: IncomingMessage) => void,
  use: (baseUrl: string) => Promise<T>,
): Promise<T> {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    handle(JSON.parse(body), response, request);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", () => listening()));
  try {
    return await use(`http://127.0.0.1:${(server.address() as { port: number }).port}/v1`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** A model whose tokens are code points with log-probability -1, "z" being unlikely, echoing as vLLM does. */
function echoing({ prompt }: { prompt: string }): string {
  const tokens = [...prompt, "!"];
  return JSON.stringify({
    choices: [
      {
        logprobs: {
          tokens,
          token_logprobs: tokens.map((token, i) => (i === 0 ? null : token === "z" ? -5 : -1)),
          text_offset: tokens.map((_, i) => i),
          top_logprobs: tokens.map((token, i) => (i === 0 ? null : token === "z" ? { y: -0.1, z: -5 } : { [token]: -1 })),
        },
      },
    ],
  });
}

test("sums the continuation's tokens by code-point offset, moved space included, generated token left out", async () => {
  await serve(
    (body, response) => response.end(echoing(body)),
    async (baseUrl) => {
      const score = completionsScore({ baseUrl, model: "m" });
      expect(
        await score([
          { context: "🙂 ab", continuation: " cd" },
          { context: "ab ", continuation: "z" },
        ]),
      ).toEqual([
        { logLikelihood: -3, isGreedy: true },
        { logLikelihood: -6, isGreedy: false },
      ]);
    },
  );
});

test("a busy server is asked again, a refusal and a server without echo are named", async () => {
  let calls = 0;
  await serve(
    (body, response, request) => {
      expect(request.headers.authorization).toBe("Bearer k");
      if (++calls === 1) response.writeHead(503).end();
      else response.end(echoing(body));
    },
    async (baseUrl) => {
      expect(await completionsScore({ baseUrl, model: "m", apiKey: "k" })([{ context: "a", continuation: "b" }])).toEqual([
        { logLikelihood: -1, isGreedy: true },
      ]);
      expect(calls).toBe(2);
    },
  );
  const ask = (reply: (response: ServerResponse) => void) =>
    serve(
      (_, response) => reply(response),
      (baseUrl) => completionsScore({ baseUrl, model: "m", maxRetries: 0 })([{ context: "a", continuation: "b" }]),
    );
  await expect(ask((response) => response.writeHead(400).end("no such model"))).rejects.toThrow(/answered 400: no such model/);
  await expect(ask((response) => response.end('{"choices":[{"text":"b"}]}'))).rejects.toThrow(
    /returned no log-probabilities of the prompt/,
  );
  await expect(
    completionsScore({ baseUrl: "http://127.0.0.1:9/v1", model: "m", maxRetries: 0 })([{ context: "a", continuation: "b" }]),
  ).rejects.toThrow(/cannot be reached/);
});
