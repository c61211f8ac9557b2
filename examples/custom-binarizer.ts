// runnable
// A rule of one's own for making pairs: the best answer over the longest one that is rated lower, against a taste for length.
import { rowDraw } from "@zephyr/binarize";
import { collectRows, type PreferenceRow, pipe, type RatedRow, rowsOf, transform } from "@zephyr/data";

const bestOverLongest = (seed: number) =>
  transform(async function* (rows: AsyncIterable<RatedRow>): AsyncGenerator<PreferenceRow> {
    for await (const { prompt_id, prompt, completions } of rows) {
      const rated = completions.flatMap(({ content, overall_score: score }) => (score === undefined ? [] : [{ content, score }]));
      const top = Math.max(...rated.map(({ score }) => score));
      const best = rated.filter(({ score }) => score === top);
      const lower = rated.filter(({ score }) => score < top).sort((a, b) => b.content.length - a.content.length);
      if (lower.length === 0) continue;
      // The draw depends on the seed and the row's id alone, so neither order nor sharding changes it.
      const [winner, loser] = [best[rowDraw(seed, prompt_id)(best.length)]!, lower[0]!];
      const turn = (content: string) => [{ role: "assistant", content }];
      yield {
        prompt_id,
        prompt: typeof prompt === "string" ? [{ role: "user", content: prompt }] : prompt,
        chosen: turn(winner.content),
        rejected: turn(loser.content),
        score_chosen: winner.score,
        score_rejected: loser.score,
      };
    }
  });

const completion = (content: string, overall_score: number) => ({ model: "someone", content, overall_score });
const rated: RatedRow[] = [
  {
    prompt_id: "a",
    prompt: "What is the capital of France?",
    completions: [
      completion("Paris.", 9),
      completion("Lyon.", 2),
      completion("A question that has no simple answer, I fear.", 3),
    ],
  },
  { prompt_id: "b", prompt: "Say yes.", completions: [completion("Yes.", 8), completion("Yes!", 8)] },
];

const pairs = await collectRows(pipe(rowsOf(rated), bestOverLongest(0)));
console.log(JSON.stringify(pairs, undefined, 2));
if (pairs.length !== 1) throw new Error("row b has no answer rated lower than its best and makes no pair");
