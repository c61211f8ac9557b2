import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Rows, type Tokenizer, type UntypedRow, ZEPHYR_CHAT_TEMPLATE } from "@zephyr/data";
import { usageError } from "../errors/usage-error.ts";

/** The file that a chat template is stored in, beside a model's tokenizer. */
export const TEMPLATE_FILE = "chat_template.jinja";

/** The text of `--chat-template-path`: "zephyr", a Jinja file, or a model folder that has one. Throws a usage error for what is none. */
export function chatTemplateText(given: string): string {
  if (given === "zephyr") return ZEPHYR_CHAT_TEMPLATE;
  const path = existsSync(given) && statSync(given).isDirectory() ? join(given, TEMPLATE_FILE) : given;
  if (existsSync(path)) return readFileSync(path, "utf8");
  throw usageError(
    `--chat-template-path ${given}: ${path} does not exist; give zephyr, a Jinja file, or a folder with ${TEMPLATE_FILE}`,
  );
}

/** The template that a run's conversations are written in, where it is not the model's own: as the flag says, or that of the adapter it goes on with. */
export function templateOfRun({
  chatTemplatePath,
  initAdapter,
}: {
  chatTemplatePath?: string | undefined;
  initAdapter?: string | undefined;
}): string | undefined {
  if (chatTemplatePath !== undefined) return chatTemplateText(chatTemplatePath);
  const file = initAdapter === undefined ? undefined : join(initAdapter, TEMPLATE_FILE);
  return file !== undefined && existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

/** Throws a usage error when the rows are conversations and nothing says how one is written: a base model has no chat template. */
export async function checkTemplate(tokenizer: Tokenizer | undefined, rows: Rows<UntypedRow>, model: string): Promise<void> {
  if (tokenizer === undefined || tokenizer.chatTemplate !== undefined) return;
  for await (const { messages, prompt, chosen } of rows) {
    if (![messages, prompt, chosen].some(Array.isArray)) return;
    throw usageError(
      `--model ${model} has no chat template, and the rows are conversations; pass --chat-template-path zephyr, or a Jinja file`,
    );
  }
}
