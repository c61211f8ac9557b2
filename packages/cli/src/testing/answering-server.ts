import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

interface ChatRequest {
  model: string;
  messages: { role: string; content: string }[];
  response_format?: unknown;
}

/** A server with the chat API on loopback: models answer with their name and a digit, which is also the rating that a judge gives. */
export interface AnsweringServer extends AsyncDisposable {
  /** Ends in `/v1`. */
  baseUrl: string;
}

export async function startAnsweringServer(): Promise<AnsweringServer> {
  const server = createServer(async (request, response) => {
    const body = JSON.parse(await textOf(request)) as ChatRequest;
    const send = (status: number, value: object): unknown =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    if (body.response_format) return send(400, { error: { message: "response_format is not supported" } });
    const message = { role: "assistant", content: replyOf(body) };
    const usage = { prompt_tokens: 20, completion_tokens: 5 };
    return send(200, { model: body.model, choices: [{ message, finish_reason: "stop" }], usage });
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function replyOf({ model, messages }: ChatRequest): string {
  const asked = messages.findLast(({ content }) => content.includes("## Your reply"))?.content;
  if (asked === undefined) return `${model} says ${1 + ([...model].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 5)}.`;
  const answer = /<answer (\w+)>\n([\s\S]*?)\n<\/answer \1>/.exec(asked);
  if (answer && asked.includes("Overall Score:")) return `Critique: fine\n\nOverall Score: ${2 * digitOf(answer[2]!)}`;
  return [...asked.matchAll(/<text-(\d+) (\w+)>\n([\s\S]*?)\n<\/text-\1 \2>/g)]
    .map(([, n, , text]) => `#### Output for Text ${n}\nType: None\nRationale: it says so\nRating: ${digitOf(text!)}`)
    .join("\n\n");
}

const digitOf = (text: string): number => Number(/says ([1-5])/.exec(text)?.[1] ?? 3);
