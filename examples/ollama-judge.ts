// not runnable: needs an Ollama server
// A local judge: `ollama pull qwen2.5:7b-instruct`, then this. vLLM, llama.cpp and SGLang differ in the address alone.
import { openaiCompatible, rate } from "@zephyr/aif";
import { binarize } from "@zephyr/binarize";
import { pipe, readRows, writeRows } from "@zephyr/data";

const judge = openaiCompatible({
  baseUrl: "http://127.0.0.1:11434/v1",
  model: "qwen2.5:7b-instruct",
  maxConcurrency: 2, // OLLAMA_NUM_PARALLEL
  timeoutSeconds: 600,
});

// completions.jsonl: {"prompt_id", "prompt", "completions": [{"model", "content"}, ...]} on each line.
// The journal keeps every reply, so that a run that was stopped asks nothing twice.
const preferences = await writeRows(
  "preferences.jsonl",
  pipe(
    readRows("completions.jsonl"),
    rate({ judge, rubric: "ultrafeedback", seed: 0, journal: "ratings.journal" }),
    binarize({ preset: "zephyr-paper", seed: 0, onReport: (report) => console.error(report) }),
  ),
);
console.log(`${preferences.count} pairs in ${preferences.path}`);
