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

export interface Settings {
  sizes: number[];
  attention: AttentionSize;
  model: ModelShape;
  rounds: number;
}

/** The workload that the environment asks for. Throws where a variable is not a list of whole numbers of the right length. */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const numbers = (name: string, fallback: string, count?: number): number[] => {
    const text = environment[name] ?? fallback;
    const list = text.split(",").map(Number);
    if (list.every((n) => Number.isInteger(n) && n > 0) && list.length === (count ?? list.length)) return list;
    throw new RangeError(
      `readSettings: ${name} is "${text}"; give ${count ?? "any number of"} whole numbers from 1, as in ${fallback}`,
    );
  };
  const [sequences, heads, length, headDim] = numbers("ATTN", "1,8,256,64", 4) as [number, number, number, number];
  return {
    sizes: numbers("SIZES", "256,512,1024"),
    attention: { sequences, heads, length, headDim },
    model: modelShape(numbers("MODEL", "2,128,4,384,512,2,64", 7)),
    rounds: numbers("ROUNDS", "7", 1)[0]!,
  };
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
