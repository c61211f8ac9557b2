import { type AnswerOptions, answer, type Behaviour, type SeenRequest } from "./fault-server.ts";

/** Rates each shown text by its first digit (1 to 5), else 3; scores critiques likewise. Reads the prompt as a judge would. */
export function judgeReply(request: SeenRequest): string {
  const prompt = request.body.messages.findLast(
    ({ role, content }) => role === "user" && content.includes("## Your reply"),
  )!.content;
  if (prompt.includes("Overall Score:"))
    return `Critique: fine\n\nOverall Score: ${2 * digitOf(/<answer (\w+)>\n([\s\S]*?)\n<\/answer \1>/.exec(prompt)![2]!)}`;
  return [...prompt.matchAll(/<text-(\d+) (\w+)>\n([\s\S]*?)\n<\/text-\1 \2>/g)]
    .map(
      ([, n, , text]) =>
        `#### Output for Text ${n}\nType: None\nRationale: it says ${JSON.stringify(text)}\nRating: ${digitOf(text!)}`,
    )
    .join("\n\n");
}

export function judging(options?: AnswerOptions): Behaviour {
  return answer(judgeReply, options);
}

function digitOf(text: string): number {
  return Number(/[1-5]/.exec(text)?.[0] ?? 3);
}
