import { basename, resolve } from "node:path";
import { pipe, promptId, randomFor, readRows, type Tokenizer, transform, type UntypedRow, writeRows } from "@zephyr/data";
import { createGenerator, type Generator } from "@zephyr/train-webgpu";
import { integer, number, text, texts } from "../flags/flag.ts";
import { untilInterrupted } from "../interrupt/interrupt.ts";
import { encodePrompt } from "../models/encode-prompt.ts";
import { modelFlags, openModel } from "../models/open-policy.ts";
import { inGroups } from "../models/token-scores.ts";
import { checkInput, checkOutput, rowFlags } from "../rows/output-file.ts";
import { command } from "./command.ts";

/** `zephyr generate`: completions of a local model. */
export const generate = command({
  description: "Adds completions of a local model to prompt rows: [{model, content, token_ids, finish_reason}].",
  flags: {
    ...modelFlags,
    ...rowFlags,
    modelName: text({ help: "what the rows call the model [its folder's name]", placeholder: "NAME" }),
    temperature: number({ help: "0 takes the likeliest token", default: 1, min: 0 }),
    topP: number({ help: "only the likeliest tokens that hold this much probability", default: 1, min: 0, max: 1, above: true }),
    topK: integer({ help: "only so many of the likeliest tokens; 0: all", default: 0, min: 0 }),
    maxTokens: integer({ help: "most tokens of a completion", default: 1024, min: 1 }),
    numReturnSequences: integer({ help: "completions per prompt", default: 1, min: 1 }),
    stop: texts({ help: "texts that end a completion", placeholder: "TEXTS" }),
    seed: integer({ help: "the draws of each prompt depend on it and on prompt_id", default: 0, min: 0 }),
    batchSize: integer({ help: "sequences in flight", default: 16, min: 1 }),
    maxLength: integer({ help: "tokens of prompt and completion together [--max-tokens + 1024]", min: 2 }),
  },
  graceful: true,
  async run({ flags, reporter, interrupt }) {
    const { input, output, overwrite, batchSize, maxTokens, model } = flags;
    checkInput(input, "--input");
    checkOutput(output, overwrite);
    using opened = await openModel(flags, reporter);
    const { policy } = opened;
    const maxLength = Math.min(flags.maxLength ?? maxTokens + 1024, policy.config.maxPositionEmbeddings);
    using generator = createGenerator(policy, { slots: batchSize, maxLength });
    const name = flags.modelName ?? basename(resolve(model));
    const progress = reporter.progress("prompts answered");
    let done = 0;
    const answer = transform(async function* (rows: AsyncIterable<UntypedRow>) {
      // Groups of several batches: a slot that falls free is filled at once.
      for await (const group of inGroups<UntypedRow>(4 * batchSize)(rows)) {
        const answered = await Promise.all(
          group.map(async (row, i) => {
            const place = `generate: row ${done + i + 1}`;
            const id = typeof row.prompt_id === "string" ? row.prompt_id : promptId(row.prompt ?? JSON.stringify(row.prompt_ids));
            const promptIds = encodePrompt(row, policy.tokenizer, place);
            const completions = Array.from({ length: flags.numReturnSequences }, (_, n) =>
              completion({ generator, promptIds, flags, tokenizer: policy.tokenizer, name, draw: `${id} ${n}` }),
            );
            return { ...row, prompt_id: id, completions: await Promise.all(completions) };
          }),
        );
        done += group.length;
        progress.update(done);
        yield* answered;
      }
    });
    const { count } = await writeRows(output, pipe(readRows(input), untilInterrupted<UntypedRow>(interrupt), answer));
    progress.end();
    return { result: { output, rows: count }, lines: [`${output}: ${count} rows`] };
  },
});

interface Sampling {
  temperature: number;
  topP: number;
  topK: number;
  maxTokens: number;
  stop: string[] | undefined;
  seed: number;
}

interface CompletionRequest {
  generator: Generator;
  promptIds: number[];
  flags: Sampling;
  tokenizer: Tokenizer | undefined;
  name: string;
  /** What the draw depends on besides the seed. */
  draw: string;
}

async function completion({ generator, promptIds, flags, tokenizer, name, draw }: CompletionRequest) {
  const { temperature, topP, topK, maxTokens, stop, seed } = flags;
  const own = randomFor(seed, draw).integer(2 ** 32);
  const {
    tokenIds,
    finishReason,
    content: cut,
  } = await generator.run({
    promptIds,
    maxTokens,
    temperature,
    topP,
    topK,
    seed: own,
    ...(stop && { stop }),
  });
  const content = cut ?? (tokenizer ? tokenizer.decode(tokenIds, { skipSpecialTokens: true }) : "");
  return { model: name, content, token_ids: tokenIds, finish_reason: finishReason };
}
