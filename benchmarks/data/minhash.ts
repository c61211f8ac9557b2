/**
 * How long does near-deduplication take, and does it find what theory says?
 *
 *   npx node --conditions=zephyr-source benchmarks/data/minhash.ts [dialogues]
 *
 * Dialogues as long as UltraChat's (about 1,000 words), of which one in 20 is a near-duplicate of another at Jaccard similarity 0.8 over
 * 5-grams of words: the two share their first 804 words and have 100 of their own, so 800 of 1,000 5-grams are common. The time is that of
 * `dedupe` alone: what generating the rows takes is measured in a pass of its own and subtracted. It runs on one core.
 */
import { type CleanReport, type DialogueRow, dedupe, randomFor } from "@zephyr/data";
import { dialogueLength, dialogueOf, words } from "./generate.ts";
import { peakMib, print, printMachine, timed } from "./measure.ts";

const COMMON = 804;
const OWN = 100;
const SENTENCE = 12;

type Dialogue = DialogueRow & { prompt_id: string };

const sentences = Array.from({ length: 50_000 }, (_, i) => words(randomFor(2, i), SENTENCE));

/** A dialogue out of 50,000 sentences: two of them share a sentence by chance in one pair of seven, which is far from similar. */
function chat(index: number): Dialogue {
  const random = randomFor(3, index);
  const count = Math.ceil(dialogueLength(random) / SENTENCE);
  const all = Array.from({ length: count }, () => sentences[random.integer(sentences.length)]!).flat();
  return dialogueOf(all, `chat-${index}`);
}

/** The first or second of a pair. */
function twin(pair: number, which: "a" | "b"): Dialogue {
  const all = [...words(randomFor(4, pair), COMMON), ...words(randomFor(5, `${pair} ${which}`), OWN)];
  return dialogueOf(all, `twin-${pair}-${which}`);
}

/** All first twins come before all second ones, the other dialogues between them. */
async function* dialogues(count: number, pairs: number): AsyncGenerator<Dialogue> {
  for (let pair = 0; pair < pairs; pair += 1) yield twin(pair, "a");
  for (let i = 0; i < count - 2 * pairs; i += 1) yield chat(i);
  for (let pair = 0; pair < pairs; pair += 1) yield twin(pair, "b");
}

async function count(rows: AsyncIterable<unknown>): Promise<number> {
  let total = 0;
  for await (const _ of rows) total += 1;
  return total;
}

const total = Number(process.argv[2] ?? 200_000);
const pairs = Math.floor(total / 40);
const theory = 1 - (1 - 0.8 ** 8) ** 14;
const source = { [Symbol.asyncIterator]: () => dialogues(total, pairs) };
printMachine();
const generation = await timed(() => count(source));
let found = 0;
let report: CleanReport | undefined;
const step = dedupe({
  method: "minhash",
  onDrop: ({ prompt_id: id }) => {
    if (id?.startsWith("twin")) found += 1;
  },
  onReport: (latest) => {
    report = latest;
  },
});
const whole = await timed(() => count(step(source)));
print({
  case: "minhash",
  dialogues: total,
  seconds: whole.seconds - generation.seconds,
  cpu_seconds: whole.cpu_seconds - generation.cpu_seconds,
  generation_cpu_seconds: generation.cpu_seconds,
  peak_mib: peakMib(),
});
print({ pairs, jaccard: 0.8, recall: found / pairs, theory, points_off: 100 * (found / pairs - theory) });
print({ dropped_beside_the_planted: report!.rows - report!.kept - found });
