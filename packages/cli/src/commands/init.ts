import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { usageError } from "../errors/usage-error.ts";
import { text, toggle } from "../flags/flag.ts";
import { command } from "./command.ts";

const FILES = ["recipe.yaml", "feedback.json"] as const;

/** `zephyr init`: a recipe to begin with. */
export const init = command({
  arguments: ["DIR"],
  description:
    "Writes DIR/recipe.yaml (the whole recipe, for `zephyr align`) and DIR/feedback.json (models and judge), to be edited.",
  flags: {
    model: text({ help: "the base model", default: "mistralai/Mistral-7B-v0.1", placeholder: "DIR|ID" }),
    overwrite: toggle({ help: "replace files that are there" }),
  },
  async run({ flags, positionals }) {
    const folder = positionals[0]!;
    const present = FILES.map((name) => join(folder, name)).find((path) => existsSync(path));
    if (present !== undefined && !flags.overwrite) throw usageError(`${present} exists; pass --overwrite to replace it`);
    mkdirSync(folder, { recursive: true });
    const written = { "recipe.yaml": recipe(flags.model), "feedback.json": `${JSON.stringify(feedback, null, 2)}\n` };
    for (const name of FILES) writeFileSync(join(folder, name), written[name]);
    const start = `zephyr align --config ${join(folder, "recipe.yaml")}`;
    return { result: { files: FILES.map((name) => join(folder, name)), command: start }, lines: [start] };
  },
});

/** The paper's settings (arXiv 2310.16944, section 4), with adapters so that they fit one GPU. */
const recipe = (model: string): string => `# The Zephyr recipe: dSFT, AI feedback, dDPO. {run} stands for the folder below.
run: runs/zephyr
stages:
  - name: dialogues
    command: prepare
    input: dialogues.jsonl # rows with messages
    output: "{run}/dialogues.jsonl"
    truecase: true
    drop_phrases: true
    dedupe: minhash
  - name: dSFT
    command: sft
    model: ${model}
    data: "{run}/dialogues.jsonl"
    output: "{run}/sft"
    packing: true
    max_length: 2048
    learning_rate: 2.0e-5
    lr_scheduler_type: cosine
    warmup_ratio: 0.1
    num_train_epochs: 1
    lora_r: 16
    lora_alpha: 16
  - command: merge
    model: ${model}
    adapter: "{run}/sft"
    output: "{run}/sft-merged"
  - command: complete
    input: prompts.jsonl # rows with prompt
    output: "{run}/completions.jsonl"
    models:
      - { name: first, base_url: http://127.0.0.1:8000/v1, model: first }
      - { name: second, base_url: http://127.0.0.1:8001/v1, model: second }
    completions_per_prompt: 2
  - command: rate
    input: "{run}/completions.jsonl"
    output: "{run}/rated.jsonl"
    judge: { name: judge, base_url: https://api.openai.com/v1, model: gpt-4o, api_key_env: OPENAI_API_KEY }
  - command: binarize
    input: "{run}/rated.jsonl"
    output: "{run}/pairs.jsonl"
    preset: zephyr-paper
    seed: 0
  - name: dDPO
    command: dpo
    model: "{run}/sft-merged"
    data: "{run}/pairs.jsonl"
    output: "{run}/dpo"
    beta: 0.1
    learning_rate: 5.0e-7
    warmup_ratio: 0.1
    num_train_epochs: 3
    lora_r: 16
    lora_alpha: 16
  - command: report
    path: "{run}"
`;

/** For `zephyr complete` and `zephyr rate` on their own. */
const feedback = {
  models: [
    { name: "first", base_url: "http://127.0.0.1:8000/v1", model: "first" },
    { name: "second", base_url: "http://127.0.0.1:8001/v1", model: "second" },
  ],
  completions_per_prompt: 2,
  judge: { name: "judge", base_url: "https://api.openai.com/v1", model: "gpt-4o", api_key_env: "OPENAI_API_KEY" },
  rubric: "ultrafeedback",
  seed: 0,
};
