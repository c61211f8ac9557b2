// Completes two prompts against an OpenAI-compatible server on loopback; runs on Node, Bun and Deno.
import { createServer } from "node:http";
import { complete, openaiCompatible } from "@zephyr/aif";

const server = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => {
    const { model, messages, max_tokens } = JSON.parse(body);
    const content = `${model} heard: ${messages.at(-1).content}`;
    const usage = { prompt_tokens: 7, completion_tokens: Math.min(max_tokens, 5) };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ model, choices: [{ message: { role: "assistant", content }, finish_reason: "stop" }], usage }));
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const baseUrl = `http://127.0.0.1:${server.address().port}/v1`;
const models = ["small", "large"].map((model) => openaiCompatible({ baseUrl, model }));

async function* prompts() {
  yield { prompt: "What is a kite?" };
  yield { prompt: "Why is the sky blue?", source: "test" };
}

const rows = [];
for await (const row of complete({ models, completionsPerPrompt: 2, seed: 0 })(prompts())) rows.push(row);
if (rows.length !== 2 || rows[1].source !== "test") throw new Error(`expected 2 rows, got ${JSON.stringify(rows)}`);
for (const { prompt, completions } of rows) {
  for (const { model, content } of completions)
    if (content !== `${model} heard: ${prompt}`) throw new Error(`wrong answer: ${content}`);
}
server.closeAllConnections?.();
server.close();
console.log("ok");
