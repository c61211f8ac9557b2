// Runs the built package as a user would: node test/smoke.mjs (also bun, deno run).
import { binarize, presetNames, repairOverallScores } from "@zephyr/binarize";

const rating = (value) => ({ helpfulness: { rating: value, rationale: "" } });
const rows = {
  async *[Symbol.asyncIterator]() {
    yield {
      prompt_id: "a",
      prompt: "Why is the sky blue?",
      source: "mine",
      completions: [
        { model: "m1", content: "It just is.", overall_score: 10, annotations: rating(1) },
        { model: "m2", content: "Air scatters blue light most.", overall_score: 9, annotations: rating(5) },
      ],
    };
  },
};

for (const preset of presetNames) {
  const seen = [];
  for await (const row of binarize({ preset, seed: 0 })(repairOverallScores()(rows))) seen.push(row);
  if (seen.length === 0 || seen[0].source !== "mine") throw new Error(`${preset} gave ${JSON.stringify(seen)}`);
  if ("chosen" in seen[0] && seen[0].chosen[0].content !== "Air scatters blue light most.")
    throw new Error(`${preset} chose the wrong one`);
}
console.log("ok");
