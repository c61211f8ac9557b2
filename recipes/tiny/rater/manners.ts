/** What an answer does besides answering. */
export interface Manners {
  /** Phrases that carry nothing: openings, padding, talk about the answer. */
  filler: number;
  /** Marks of doubt: "maybe", "I think". */
  hedges: number;
  /** Scolding the one who asked. */
  rude: number;
  /** Says that it does not know; `named` when it also names what it does not know. */
  ignorance: "none" | "bare" | "named";
  /** Asks to be told more, which helps where nothing is known. */
  asksBack: boolean;
  /** How often it admits that beyond the first time. */
  repeated: number;
  /** What is left of the answer. */
  rest: string;
}

const FILLER = [
  /\b(?:that|this) is an? (?:very )?(?:good|great|nice|interesting) question\b[.!,]?/gi,
  /\b(?:well, )?let me think(?: about (?:it|that|this))?\b[.!,]?/gi,
  /\bhere is (?:my|the|your) answer\b[.!:,]?/gi,
  /\bi hope (?:this|that|it) helps(?: you)?\b[.!]?/gi,
  /\bi hope you like (?:my|this|the) answer\b[.!]?/gi,
  /\bas (?:you may know|an ai(?: language)? model)\b[.!,]?/gi,
  /^(?:sure|of course|certainly|well|ok|okay)[.!,]/gi,
];
const HEDGES = [
  /\bi am not (?:really |quite )?(?:sure|certain)(?:, but)?(?: i think)?\b,?/gi,
  /\b(?:maybe|perhaps|possibly|probably)\b,?/gi,
  /\bi (?:think|guess|believe)(?: that)?\b,?/gi,
  /\bit (?:could|may|might) be(?: that)?\b,?/gi,
];
const RUDE = [
  /\b(?:that|this|what) (?:is )?an? (?:silly|stupid|bad|dumb) question\b[.!]?/gi,
  /\beveryone knows (?:that|this|it)\b[.!]?/gi,
  /\bdo not waste my time\b[.!]?/gi,
  /\b(?:stupid|idiot|shut up)\b[.!]?/gi,
  /\bbe quick\b[.!]?/gi,
];
const IGNORANCE =
  /\bi (?:do not|don't) know(?<named> (?:what|who|of)? ?(?:an? |the |any )?(?<name>[a-z]+)(?: is| means)?| (?:that|this) word)?\b[.!,]?/i;
const ASKS_BACK = /\b(?:please )?(?:can you |could you )?tell me more(?: about (?:it|that|this))?\b[.!?]?/gi;

/** Takes the manners of an answer apart from what it says. `name` is what an honest answer may not know. */
export function readManners(answer: string, name?: string): Manners {
  let rest = answer.trim();
  const take = (patterns: readonly RegExp[]): number => {
    let taken = 0;
    for (const pattern of patterns) {
      rest = rest.replace(pattern, () => {
        taken++;
        return " ";
      });
    }
    return taken;
  };
  const ignored = IGNORANCE.exec(rest);
  const admissions = take([new RegExp(IGNORANCE, "gi")]);
  const says = ignored?.groups?.["name"]?.toLowerCase();
  const named = says === undefined ? ignored?.groups?.["named"] !== undefined : says === name;
  const [asksBack, rude, filler, hedges] = [take([ASKS_BACK]) > 0, take(RUDE), take(FILLER), take(HEDGES)];
  return {
    filler,
    hedges,
    rude,
    ignorance: ignored ? (named ? "named" : "bare") : "none",
    asksBack,
    repeated: Math.max(0, admissions - 1),
    rest: tidy(rest),
  };
}

function tidy(text: string): string {
  return text
    .replace(/[ \t]+/g, " ")
    .replace(/ ([.,!?])/g, "$1")
    .replace(/^[\s.,!?]+(?=\S)/, "")
    .trim();
}
