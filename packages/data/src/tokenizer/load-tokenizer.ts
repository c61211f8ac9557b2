import { builtin } from "../files/node-builtins.ts";
import { type Tokenizer, tokenizerFromJson } from "./tokenizer.ts";

async function readText(folder: string, name: string): Promise<string | undefined> {
  const { promises: fs } = builtin("node:fs", "loadTokenizer");
  try {
    return await fs.readFile(builtin("node:path", "loadTokenizer").join(folder, name), "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw cause;
  }
}

function parse(text: string, path: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new SyntaxError(`loadTokenizer: ${path}: not JSON (${(cause as Error).message})`, { cause });
  }
}

/**
 * The tokenizer of a model folder: tokenizer.json, tokenizer_config.json, and chat_template.jinja where there is one (it wins over the
 * template in the config, as in transformers; `chatTemplate`, a template's text, wins over both). Special tokens missing from the config
 * are taken from special_tokens_map.json.
 *
 * @throws Error naming the folder and the missing file.
 * @example
 * const tokenizer = await loadTokenizer("zephyr-7b-sft-full");
 * const ids = tokenizer.encode(tokenizer.applyChatTemplate(messages, { addGenerationPrompt: true }), { addSpecialTokens: false });
 */
export async function loadTokenizer(
  folder: string,
  { chatTemplate }: { chatTemplate?: string | undefined } = {},
): Promise<Tokenizer> {
  const names = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"];
  const [tokenizer, config, specialTokens, template] = await Promise.all(names.map((name) => readText(folder, name)));
  for (const [name, text] of [
    ["tokenizer.json", tokenizer],
    ["tokenizer_config.json", config],
  ]) {
    if (text === undefined) throw new Error(`loadTokenizer: ${folder} has no ${name}; download it with the model`);
  }
  const merged = {
    ...(specialTokens ? parse(specialTokens, `${folder}/special_tokens_map.json`) : {}),
    ...parse(config!, `${folder}/tokenizer_config.json`),
  };
  return tokenizerFromJson(parse(tokenizer!, `${folder}/tokenizer.json`), merged, chatTemplate ?? template);
}

/** Writes the tokenizer's files into a folder that exists, as transformers reads them. */
export async function saveTokenizer(tokenizer: Tokenizer, folder: string): Promise<void> {
  const { writeAtomically } = await import("../files/atomic-file.ts");
  const path = builtin("node:path", "saveTokenizer");
  for (const [name, text] of Object.entries(tokenizer.files)) {
    await writeAtomically(path.join(folder, name), "saveTokenizer", (sink) => sink.append(new TextEncoder().encode(text)));
  }
}
