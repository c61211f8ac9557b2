import {
  collateSequences,
  type PackedRow,
  packSequences,
  type TokenBatch,
  type TokenizedRow,
  tokenizeDialogues,
  type UntypedRow,
} from "@zephyr/data";
import { trainSft } from "@zephyr/train-webgpu";
import { usageError } from "../errors/usage-error.ts";
import { choice, toggle } from "../flags/flag.ts";
import { trainingFlags } from "../flags/training-flags.ts";
import { learningRate, trainCommand } from "../training/train-command.ts";
import { command } from "./command.ts";

export const sftFlags = {
  ...trainingFlags,
  learningRate: learningRate(2e-5),
  packing: toggle({ help: "fill sequences of --max-length with several rows" }),
  packingStrategy: choice({ help: "how rows are packed", choices: ["bfd", "bfd_split", "wrapped"], default: "bfd" }),
  completionOnlyLoss: toggle({ help: "learn only the completion of prompt and completion rows", default: true }),
  assistantOnlyLoss: toggle({ help: "learn only what the assistant says (the template's {% generation %} marks)" }),
};

/** `zephyr sft`: dSFT, as TRL's SFTTrainer does it. */
export const sft = command({
  description:
    "Supervised fine-tuning on rows of text, messages, prompt and completion, or input_ids, as TRL's SFTTrainer does it.",
  flags: sftFlags,
  graceful: true,
  async run(invocation) {
    const { maxLength, packing, packingStrategy, completionOnlyLoss, assistantOnlyLoss } = invocation.flags;
    if (packing && maxLength === 0) throw usageError("--packing needs a --max-length; it is the size of the packs");
    return trainCommand<PackedRow, TokenBatch>(invocation, {
      tokenize(tokenizer) {
        // Packing cuts by itself.
        const cut = packing || maxLength === 0 ? {} : { maxLength };
        const tokenize = tokenizeDialogues(tokenizer, { ...cut, completionOnlyLoss, assistantOnlyLoss });
        const tokens = (rows: AsyncIterable<UntypedRow>): AsyncIterable<TokenizedRow> => tokenize<UntypedRow>(rows);
        return packing ? (rows) => packSequences({ maxLength, strategy: packingStrategy })(tokens(rows)) : tokens;
      },
      collate: (rows, sequencesPerBatch) => collateSequences({ sequencesPerBatch })(rows),
      start: ({ policy }, options, batches) => trainSft({ policy, ...options, batches }),
    });
  },
});
