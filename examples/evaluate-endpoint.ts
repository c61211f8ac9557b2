// runnable
// Multiple choice on a served model, through the completions API of vLLM or SGLang. The server here is a letter-pair model of our own,
// so that the script needs nothing; give `completionsScore` the address of yours instead.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { completionsScore, evaluateItems } from "@zephyr/eval";

const text = "the cat sat on the mat. the dog sat on the log. the sun is hot. the ice is cold. water is wet. snow is cold.";
const counts = new Map<string, number>();
const add = (key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);
for (let i = 1; i < text.length; i++) for (const key of [text[i - 1]!, text.slice(i - 1, i + 1)]) add(key);
const letters = [..." .abcdefghijklmnopqrstuvwxyz"];
const logProbability = (before: string, letter: string) =>
  Math.log(((counts.get(before + letter) ?? 0) + 0.1) / ((counts.get(before) ?? 0) + 0.1 * letters.length));

/** What an OpenAI-compatible server answers to `echo: true, logprobs: 1`: one token per letter here. */
function echo(prompt: string) {
  const tokens = [...prompt];
  const best = (before: string) => Math.max(...letters.map((letter) => logProbability(before, letter)));
  const token_logprobs = tokens.map((letter, i) => (i === 0 ? null : logProbability(tokens[i - 1]!, letter)));
  const top_logprobs = tokens.map((_, i) => (i === 0 ? null : { "the likeliest": best(tokens[i - 1]!) }));
  const logprobs = { tokens, token_logprobs, top_logprobs, text_offset: [...tokens.keys()] };
  return { choices: [{ index: 0, text: prompt, logprobs, finish_reason: "length" }] };
}

const server = createServer(async (request, response) => {
  const body = JSON.parse(Buffer.concat(await request.toArray()).toString()) as { prompt: string };
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(echo(body.prompt)));
});
await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
const { port } = server.address() as AddressInfo;

const items = [
  { task: "words", context: "the dog sat on the", choices: [" log.", " xyz."], gold: 0 },
  { task: "words", context: "snow is", choices: [" qqqq.", " cold."], gold: 1 },
  { task: "letters", context: "water is", choices: [" we", " zv"], gold: 0 },
];
const results = await evaluateItems(items, completionsScore({ baseUrl: `http://127.0.0.1:${port}/v1`, model: "letter-pairs" }));
for (const { task, acc, acc_stderr, acc_norm } of results) console.log(task, { acc, acc_stderr, acc_norm });
server.close();
if (results.some(({ acc }) => acc !== 1)) throw new Error("letter pairs of the text tell each of these choices apart");
