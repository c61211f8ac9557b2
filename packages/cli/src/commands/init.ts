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
# Each stage is a command of zephyr with its flags in snake_case; \`zephyr COMMAND --help\` lists them.
#   zephyr align --config recipe.yaml --dry-run   shows what would be done: rows, requests, cost, steps, memory
#   zephyr align --config recipe.yaml             does it; stopped at any moment, the same command goes on
run: runs/zephyr
stages:
  # 1. Dialogues that a teacher wrote, cleaned as the paper did: capital letters repaired, refusals and repeats dropped.
  - name: dialogues
    command: prepare
    input: dialogues.jsonl # rows with messages: [{role, content}, ...]
    output: "{run}/dialogues.jsonl"
    truecase: true
    drop_phrases: true
    dedupe: minhash
  # 2. The base model learns to answer.
  - name: dSFT
    command: sft
    model: ${model}
    chat_template_path: zephyr # a base model has no template; leave it out for one that has
    data: "{run}/dialogues.jsonl"
    output: "{run}/sft"
    packing: true
    max_length: 2048
    learning_rate: 2.0e-5 # the paper's, for all weights; the alignment handbook takes 2.0e-4 with adapters
    lr_scheduler_type: cosine
    warmup_ratio: 0.1
    num_train_epochs: 1
    per_device_train_batch_size: 4 # lower it when memory runs out, and raise the next by as much
    gradient_accumulation_steps: 4
    gradient_checkpointing: true
    lora_r: 16
    lora_alpha: 16
  - command: merge
    model: ${model}
    adapter: "{run}/sft"
    output: "{run}/sft-merged"
  # 3. Several models answer each prompt, a judge rates every answer.
  - command: complete
    input: prompts.jsonl # rows with prompt
    output: "{run}/completions.jsonl"
    models: # any OpenAI-compatible servers; give each a price and the plan tells the cost
      - { name: first, base_url: http://127.0.0.1:8000/v1, model: first }
      - { name: second, base_url: http://127.0.0.1:8001/v1, model: second }
    completions_per_prompt: 2
  - command: rate
    input: "{run}/completions.jsonl"
    output: "{run}/rated.jsonl"
    judge: { name: judge, base_url: https://api.openai.com/v1, model: gpt-4o, api_key_env: OPENAI_API_KEY }
  # 4. The best answer is chosen, a random other one rejected.
  - command: binarize
    input: "{run}/rated.jsonl"
    output: "{run}/pairs.jsonl"
    preset: zephyr-paper
    seed: 0
  # 5. The model moves towards the chosen answers.
  - name: dDPO
    command: dpo
    model: "{run}/sft-merged"
    data: "{run}/pairs.jsonl"
    output: "{run}/dpo"
    beta: 0.1
    learning_rate: 5.0e-7 # the paper's, for all weights; the alignment handbook takes 5.0e-6 with adapters
    warmup_ratio: 0.1
    num_train_epochs: 3
    per_device_train_batch_size: 4
    gradient_accumulation_steps: 8
    gradient_checkpointing: true
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
