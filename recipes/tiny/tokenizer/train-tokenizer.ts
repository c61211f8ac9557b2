// Writes tokenizer.json and tokenizer_config.json beside this script, from the dialogues of the world with seed 0.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeWorld } from "../world/make-world.ts";
import { tokenizerFiles } from "./tokenizer-files.ts";

const texts = makeWorld(0).dialogues.flatMap(({ messages }) => messages.map(({ content }) => content));
for (const [name, content] of Object.entries(tokenizerFiles(texts))) {
  writeFileSync(join(import.meta.dirname, name), content);
  console.log(`${name}: ${content.length} bytes`);
}
