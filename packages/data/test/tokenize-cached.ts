/**
 * Tokenizes the chats of the fixtures through a cache, on two threads, and prints how many rows the tokenizer was asked for and what came out.
 *
 *   node --conditions=zephyr-source packages/data/test/tokenize-cached.ts FOLDER [STOP_AFTER]
 *
 * With `STOP_AFTER` the source gives that many rows, says so, and then waits to be killed.
 */
import { readFileSync } from "node:fs";
import { cacheRows, fileFingerprint } from "../src/files/cache-rows.ts";
import { collectRows, pipe, transform } from "../src/pipe.ts";
import type { Message } from "../src/rows.ts";
import { tokenizeParallel } from "../src/tokenize/tokenize-parallel.ts";
import { loadTokenizer } from "../src/tokenizer/load-tokenizer.ts";

const [folder, stopAfter] = process.argv.slice(2);
const fixture = (name: string): string => new URL(`../src/fixtures/${name}`, import.meta.url).pathname;
const { chats } = JSON.parse(readFileSync(fixture("text.json"), "utf8")) as {
  chats: { messages: Message[]; add_generation_prompt: boolean }[];
};
const whole = chats.filter((chat) => !chat.add_generation_prompt);
let asked = 0;
const source = transform(async function* (rows: AsyncIterable<number>) {
  for await (const _ of rows) {
    for (const { messages } of whole) {
      if (asked === Number(stopAfter)) {
        console.log(JSON.stringify({ given: asked }));
        // A timer keeps the process alive; the promise never comes.
        setInterval(() => undefined, 1000);
        await new Promise(() => undefined);
      }
      asked++;
      yield { messages };
    }
  }
});
const repeats = {
  [Symbol.asyncIterator]: async function* () {
    yield* Array.from({ length: 20 }, (_, i) => i);
  },
};
const tokenizer = await loadTokenizer(fixture("mistral"));
const key = [await fileFingerprint(fixture("text.json")), tokenizer.fingerprint, "dialogues"];
const stage = tokenizeParallel(tokenizer, { kind: "dialogues", workers: 2 });
const rows = await collectRows(
  pipe(source(repeats), cacheRows<object, { input_ids: number[] }>({ folder: folder!, key }, stage)),
);
console.log(JSON.stringify({ asked, ids: rows.map(({ input_ids }) => input_ids) }));
