/** One line of AlpacaEval's `model_outputs.json`. */
export interface ModelOutput {
  instruction: string;
  output: string;
  generator?: string;
  dataset?: string;
}

/**
 * One line of AlpacaEval's `annotations.json`: output_1 is the baseline's. `preference` is 1 where the baseline wins, 2
 * where the model wins, 1.5 (in old files 0) for a tie, between for a weighted judge, null where the judge failed.
 */
export interface Annotation {
  instruction: string;
  output_1?: string;
  output_2?: string;
  generator_1?: string;
  generator_2?: string;
  annotator?: string;
  preference?: number | null;
  raw_completion?: unknown;
}

/** Length in Unicode code points, as Python's `len`: an emoji is one. */
export function codePoints(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0xd800 && unit < 0xdc00 && i + 1 < text.length && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) i++;
    count++;
  }
  return count;
}

/**
 * Mean length of the outputs in code points, cut to an integer as the leaderboard does. Throws, naming the row, when there
 * is none or one has no text.
 */
export function averageLength(outputs: readonly ModelOutput[]): number {
  if (outputs.length === 0) throw new RangeError("averageLength: there are no model outputs; give at least one");
  const textless = outputs.findIndex((row) => typeof row.output !== "string");
  if (textless >= 0)
    throw new TypeError(
      `averageLength: model output ${textless} has ${JSON.stringify(outputs[textless]!.output)} for its output; write "" for an empty answer`,
    );
  return Math.trunc(outputs.reduce((sum, row) => sum + codePoints(row.output), 0) / outputs.length);
}

/** The annotations with both outputs in place, those that a row lacks taken from the output files by instruction. */
export function withOutputs(
  annotations: readonly Annotation[],
  modelOutputs: readonly ModelOutput[] = [],
  referenceOutputs: readonly ModelOutput[] = [],
): (Annotation & { output_1: string; output_2: string })[] {
  const model = byInstruction(modelOutputs);
  const reference = byInstruction(referenceOutputs);
  return annotations.map((row, i) => {
    const output1 = row.output_1 ?? reference.get(row.instruction);
    const output2 = row.output_2 ?? model.get(row.instruction);
    if (typeof output1 !== "string" || typeof output2 !== "string")
      throw new RangeError(
        `alpacaEval: annotation ${i} has no ${typeof output1 === "string" ? "output_2, and the model outputs" : "output_1, and the reference outputs"} lack its instruction "${row.instruction.slice(0, 60)}"; give the matching file`,
      );
    return { ...row, output_1: output1, output_2: output2 };
  });
}

function byInstruction(outputs: readonly ModelOutput[]): Map<string, string> {
  return new Map(outputs.map((row) => [row.instruction, row.output]));
}
