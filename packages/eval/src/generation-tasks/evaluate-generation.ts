import type { TaskPlanOptions, TaskResult } from "../multiple-choice/evaluate-task.ts";
import { promptItems } from "../multiple-choice/few-shot.ts";
import { bosPrefix, type ScoringTokenizer } from "../multiple-choice/score.ts";
import { summarise } from "../multiple-choice/summarise.ts";
import type { Metrics } from "../multiple-choice/task.ts";
import type { GenerationTask, TextGenerate } from "./generation-task.ts";

export interface EvaluateGenerationOptions extends Omit<TaskPlanOptions, "task"> {
  task: GenerationTask;
  generate: TextGenerate;
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

const DOCUMENTS_AT_ONCE = 32;

/**
 * Has a model write the answer to every document and averages the task's metrics, with standard errors sd / sqrt(n).
 * Throws when a row does not fit the task, shots are missing, or the model returns no text.
 *
 * @example
 * const { acc, acc_stderr } = await evaluateGeneration({ task: gsm8k, rows, shotRows, generate });
 */
export async function evaluateGeneration(options: EvaluateGenerationOptions): Promise<TaskResult> {
  const {
    task,
    rows,
    shotRows = [],
    numFewshot = task.numFewshot,
    parity = "leaderboard-v1",
    limit,
    generate,
    onProgress,
  } = options;
  const { stop, maxTokens, mainMetric, score } = task.rules[parity];
  const items = promptItems(task, rows, shotRows, numFewshot, parity).slice(0, limit);
  if (items.length === 0)
    throw new RangeError(`evaluateGeneration: ${task.name} has no documents; give the rows of its evaluation split`);
  const perDocument: Metrics[] = [];
  for (let start = 0; start < items.length; start += DOCUMENTS_AT_ONCE) {
    options.signal?.throwIfAborted();
    const part = items.slice(start, start + DOCUMENTS_AT_ONCE);
    const completions = await generate(part.map(({ item, prefix }) => ({ context: prefix + item.context, stop, maxTokens })));
    part.forEach(({ item }, i) => {
      const completion = completions[i];
      if (typeof completion !== "string")
        throw new TypeError(
          `evaluateGeneration: ${task.name}: the model gave ${completion} for "${item.context.slice(-60)}"; it must give a text`,
        );
      perDocument.push(score(completion, item.answer));
    });
    onProgress?.(perDocument.length, items.length);
  }
  return { task: task.name, n: items.length, num_fewshot: numFewshot, main_metric: mainMetric, ...summarise(perDocument) };
}

export interface GenerateTokensOptions {
  tokenizer: ScoringTokenizer;
  /** Continues token ids greedily; results in order, without special tokens and without the stop text. */
  generate(requests: readonly { promptIds: number[]; stop: readonly string[]; maxTokens: number }[]): Promise<string[]>;
  /** Positions that the model can see; longer prompts lose their start. */
  maxLength: number;
  /** Whether prompts start with the BOS token: as the tokenizer says unless told. */
  bos?: "on" | "off";
}

/** A model over token ids as a model over text, with lm-evaluation-harness's rules for BOS and for prompts that are too long. */
export function generateTokens({ tokenizer, generate, maxLength, bos }: GenerateTokensOptions): TextGenerate {
  const prefix = bosPrefix(tokenizer, bos);
  return (requests) =>
    generate(
      requests.map(({ context, stop, maxTokens }) => {
        const ids = [...prefix, ...tokenizer.encode(context, { addSpecialTokens: false })];
        const room = maxLength - maxTokens;
        if (room < 1)
          throw new RangeError(
            `generateTokens: the model sees ${maxLength} tokens and ${maxTokens} are to be written; take a longer model`,
          );
        return { promptIds: ids.slice(-room), stop, maxTokens };
      }),
    );
}
