/** What a person would type, by command; the help shows it, and a test reads each as the terminal would. */
export const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  doctor: ["zephyr doctor", "zephyr doctor --json"],
  init: ["zephyr init my-run", "zephyr init my-run --model Qwen/Qwen2.5-0.5B"],
  inspect: ["zephyr inspect pairs.parquet", "zephyr inspect models/zephyr-7b-sft"],
  "generate-dialogues": ["zephyr generate-dialogues --input topics.jsonl --output dialogues.jsonl --config feedback.json"],
  complete: [
    "zephyr complete --input prompts.jsonl --output completions.jsonl --config feedback.json --dry-run",
    "zephyr complete --input prompts.jsonl --output completions.jsonl --config feedback.json --resume",
  ],
  rate: ["zephyr rate --input completions.jsonl --output rated.jsonl --config feedback.json"],
  worker: ["zephyr worker --redis redis://127.0.0.1:6379 --config feedback.json"],
  binarize: ["zephyr binarize --input rated.jsonl --output pairs.parquet --preset zephyr-paper --seed 0"],
  prepare: [
    "zephyr prepare --input dialogues.jsonl --output clean.jsonl --truecase --drop-phrases --dedupe minhash --split train=0.98,test=0.02",
    "zephyr prepare --mix chats.jsonl:1.0 code.jsonl:0.25 --output mixed.jsonl --seed 0",
  ],
  sft: [
    "zephyr sft --model mistralai/Mistral-7B-v0.1 --chat-template-path zephyr --data dialogues.jsonl --output runs/sft --packing --max-length 2048 --lora-r 16 --dtype nf4",
    "zephyr sft --config sft.yaml --resume",
  ],
  dpo: [
    "zephyr dpo --model runs/sft-merged --data pairs.parquet --output runs/dpo --beta 0.1 --learning-rate 5e-7",
    "zephyr dpo --model runs/sft-merged --data pairs.parquet --output runs/mpo --loss-type sigmoid,sft --loss-weights 1,0.1",
  ],
  merge: ["zephyr merge --model mistralai/Mistral-7B-v0.1 --adapter runs/sft --output runs/sft-merged"],
  score: ["zephyr score --model runs/dpo --input answers.jsonl --output scored.jsonl"],
  generate: ["zephyr generate --model runs/dpo --input prompts.jsonl --output answers.jsonl --temperature 0.7 --max-tokens 512"],
  serve: ["zephyr serve --model runs/dpo --port 8000"],
  "eval preferences": ["zephyr eval preferences --model runs/dpo --ref-model runs/sft --data test.jsonl --output runs/dpo/eval"],
  "eval alpaca": ["zephyr eval alpaca --annotations annotations.json --model-outputs mine.json --reference-outputs gpt4.json"],
  "eval mt-bench": ["zephyr eval mt-bench --judgments gpt-4_single.jsonl"],
  "eval harness": ["zephyr eval harness --model runs/dpo --items items.jsonl"],
  report: ["zephyr report runs/dpo"],
  watch: ["zephyr watch runs/dpo", "zephyr watch completions.jsonl --no-page"],
  align: ["zephyr align --config recipe.yaml --dry-run", "zephyr align --config recipe.yaml"],
  "export trl": [
    "zephyr export trl --method dpo --model runs/sft --data pairs.parquet --output export --beta 0.1 --learning-rate 5e-7 --num-processes 8",
  ],
  import: ["zephyr import config_full.yaml --output dpo.yaml"],
  completion: ["source <(zephyr completion bash)"],
};
