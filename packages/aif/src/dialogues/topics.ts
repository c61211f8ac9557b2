/** What a dialogue can be about; a row of the input, or one of `DEFAULT_TOPICS`. */
export interface TopicRow {
  prompt_id?: string;
  /** A field of knowledge, a kind of text to be written, or what to do with a material. */
  topic: string;
  /** question: about the world; writing: a text is to be made; material: a text is given and something is done with it. */
  kind?: "question" | "writing" | "material";
  /** The text that is worked on, for kind "material". */
  material?: string;
}

const QUESTIONS =
  "everyday technology, health and the body, food and cooking, plants and gardening, animals, weather and climate, the night sky, mathematics, physics around the house, chemistry, history of the ancient world, modern history, law in daily life, personal money, how companies work, economics, psychology, learning and memory, languages, literature, music, painting and design, film, sport and training, travel, transport, building and repair, programming, the internet, philosophy, religions of the world, education, parenting, work and careers";
const WRITINGS =
  "a short story, a poem, a letter, an e-mail at work, a speech, a product description, a recipe, a lesson plan, a summary of a process, a dialogue for the stage, a blog article, a cover letter, a program with explanations, a travel plan, a review, a song, an advertisement, a set of instructions, an essay, meeting notes";

/** Topics to begin with: fields of knowledge, and kinds of text. */
export const DEFAULT_TOPICS: TopicRow[] = [
  ...QUESTIONS.split(", ").map((topic): TopicRow => ({ topic, kind: "question" })),
  ...WRITINGS.split(", ").map((topic): TopicRow => ({ topic, kind: "writing" })),
];

/** Who the simulated user is. */
export const DEFAULT_PERSONAS: string[] = [
  "a curious pupil of fifteen who asks short questions",
  "a nurse with little time who wants practical answers",
  "a retired engineer who checks details and asks for reasons",
  "a student who prepares for an examination and wants examples",
  "somebody who learns the language and writes in simple words",
  "a manager who wants a decision and its alternatives",
  "a parent who needs an explanation for a child",
  "a sceptical journalist who asks for evidence",
  "a hobby writer who asks for changes to a draft again and again",
  "a beginner who mixes up terms and is easily lost",
];
