/** A Llama-shaped decoder with an untied head, and the batch of its training step: B sequences, each predicting T tokens. */
export interface ModelShape {
  layers: number;
  width: number;
  heads: number;
  feedForward: number;
  vocabulary: number;
  sequences: number;
  length: number;
}

/** B sequences of T tokens, H heads of D dimensions. */
export interface AttentionSize {
  sequences: number;
  heads: number;
  length: number;
  headDim: number;
}

/** N labelled tokens of C hidden values and a vocabulary of V. */
export interface LogpsSize {
  rows: number;
  width: number;
  vocabulary: number;
}

/** P prompts of L tokens, n tokens drawn for each. */
export interface GenerationSize {
  prompts: number;
  length: number;
  drawn: number;
}

export interface Settings {
  sizes: number[];
  attention: AttentionSize;
  model: ModelShape;
  logps: LogpsSize;
  generation: GenerationSize;
  rounds: number;
  /** Which groups of cases run. */
  groups: Set<Group>;
}

/** Cases that are run together, in the order of their lines. */
export const GROUPS = [
  "first_step",
  "matmul",
  "attention",
  "train_step",
  "time_per_token",
  "memory",
  "logps",
  "dpo_step",
  "generate",
] as const;
export type Group = (typeof GROUPS)[number];

/** What is run where the environment says nothing. */
export const DEFAULTS = {
  SIZES: "256,512,1024",
  ATTN: "1,8,256,64",
  MODEL: "2,128,4,384,512,2,64",
  LOGPS: "256,256,8192",
  GENERATE: "4,32,32",
  ROUNDS: "7",
} as const;

/** The workload that the environment asks for. Throws where a variable is not a list of whole numbers of the right length, or of groups of cases. */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const numbers = (name: keyof typeof DEFAULTS, count?: number): number[] => {
    const text = environment[name] ?? DEFAULTS[name];
    const list = text.split(",").map(Number);
    if (list.every((n) => Number.isInteger(n) && n > 0) && list.length === (count ?? list.length)) return list;
    throw new RangeError(
      `readSettings: ${name} is "${text}"; give ${count ?? "any number of"} whole numbers from 1, as in ${DEFAULTS[name]}`,
    );
  };
  const [sequences, heads, length, headDim] = numbers("ATTN", 4) as [number, number, number, number];
  const [rows, width, vocabulary] = numbers("LOGPS", 3) as [number, number, number];
  const [prompts, promptLength, drawn] = numbers("GENERATE", 3) as [number, number, number];
  return {
    sizes: numbers("SIZES"),
    attention: { sequences, heads, length, headDim },
    model: modelShape(numbers("MODEL", 7)),
    logps: { rows, width, vocabulary },
    generation: { prompts, length: promptLength, drawn },
    rounds: numbers("ROUNDS", 1)[0]!,
    groups: readGroups(environment["CASES"]),
  };
}

function readGroups(text: string | undefined): Set<Group> {
  const wanted = text === undefined ? [...GROUPS] : text.split(",");
  const foreign = wanted.find((name) => !(GROUPS as readonly string[]).includes(name));
  if (foreign === undefined) return new Set(wanted as Group[]);
  throw new RangeError(`readSettings: CASES names "${foreign}"; there are ${GROUPS.join(", ")}`);
}

function modelShape(numbers: number[]): ModelShape {
  const [layers, width, heads, feedForward, vocabulary, sequences, length] = numbers as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return { layers, width, heads, feedForward, vocabulary, sequences, length };
}
