// runnable
// A rubric of one's own, and a judge that is a function: any model of @zephyr/aif takes its place.
import { complete, fromGenerate, type Rubric, rate } from "@zephyr/aif";
import { collectRows, type Generate, pipe, rowsOf } from "@zephyr/data";

const brevity: Rubric = {
  name: "brevity",
  aspects: {
    brevity: {
      instructions: "Rate how short the text is. Whether it is right does not matter here.",
      scale: { "1": "over 20 words", "2": "11 to 20 words", "3": "6 to 10 words", "4": "3 to 5 words", "5": "one or two words" },
      output: "single",
    },
  },
  critique: null,
};

// What is to be judged stands between markers that are drawn anew for each request.
const countsWords: Generate = async (messages) => {
  const [, , text] = /<text-1 (\w+)>\n([\s\S]*)\n<\/text-1 \1>/.exec(messages.at(-1)!.content) ?? [];
  const words = text!.split(/\s+/).length;
  const rating = [2, 5, 10, 20].filter((limit) => words > limit).length;
  const content = `#### Output for Text 1\nRationale: ${words} words.\nRating: ${5 - rating}`;
  return { content, model: "counts-words", finishReason: "stop" };
};

const says = (content: string): Generate => {
  return async () => ({ content, model: "fixed", finishReason: "stop" });
};

const prompts = [{ prompt_id: "a", prompt: "What is the capital of France?" }];
const models = [
  fromGenerate("terse", says("Paris.")),
  fromGenerate("chatty", says("Well, the capital of France is of course Paris.")),
];
const rated = await collectRows(
  pipe(
    rowsOf(prompts),
    complete({ models, completionsPerPrompt: 2, seed: 0 }),
    rate({ judge: fromGenerate("counts-words", countsWords), rubric: brevity, seed: 0 }),
  ),
);
for (const { model, content, annotations } of rated[0]!.completions)
  console.log(model, JSON.stringify(content), annotations!["brevity"]);
