import { Template } from "@huggingface/jinja";
import type { Message } from "../rows.ts";

/** What a chat template is rendered with besides the messages. */
export interface ChatTemplateOptions {
  /** Ends the text with the header of the assistant's next turn. */
  addGenerationPrompt?: boolean;
  /** Tool descriptions for templates that show them. */
  tools?: unknown;
  /** Further variables of the template, as in TRL's `chat_template_kwargs`. */
  variables?: Record<string, unknown>;
}

/** A rendered conversation; each span [start, end) in UTF-16 units lies inside a `{% generation %}` block. */
export interface MarkedText {
  text: string;
  spans: [number, number][];
}

const GENERATION_TAG = /\{%([-+]?)\s*(end)?generation\s*([-+]?)%\}/g;

/** Private-use characters that no text holds by accident; `render` lengthens them when one does. */
const MARK = "\uf8f3\uf8f1";

/** Whether a template says where assistant text lies. */
export function hasGenerationMarks(template: string): boolean {
  return template.search(GENERATION_TAG) >= 0;
}

/**
 * Replaces the generation tags by prints of a mark. The print stands between two block tags, so that whitespace before and after
 * is trimmed exactly as around the tag itself.
 */
function withMarks(template: string): string {
  return template.replace(
    GENERATION_TAG,
    (_, left: string, end: string | undefined, right: string) =>
      `{%${left} if true %}{{ zephyr_mark_${end ? "close" : "open"} }}{% endif ${right}%}`,
  );
}

export interface ChatTemplate {
  source: string;
  render(messages: Message[], options?: ChatTemplateOptions): string;
  renderMarked(messages: Message[], options?: ChatTemplateOptions): MarkedText;
}

/**
 * Compiles a chat template as transformers does: Jinja with trim_blocks and lstrip_blocks on, and the special tokens (`eos_token`
 * and so on) as variables.
 *
 * @throws SyntaxError when the template is no Jinja; Error when it refuses the messages (`raise_exception`).
 */
export function compileChatTemplate(source: string, specialTokens: Record<string, string>): ChatTemplate {
  let compiled: Template;
  try {
    compiled = new Template(withMarks(source));
  } catch (cause) {
    throw new SyntaxError(`loadTokenizer: the chat template is not valid Jinja (${(cause as Error).message})`, { cause });
  }
  const run = (
    messages: Message[],
    { addGenerationPrompt = false, tools, variables }: ChatTemplateOptions,
    open: string,
    close: string,
  ): string => {
    try {
      return compiled.render({
        ...specialTokens,
        tools: tools ?? null,
        documents: null,
        ...variables,
        messages,
        add_generation_prompt: addGenerationPrompt,
        zephyr_mark_open: open,
        zephyr_mark_close: close,
      });
    } catch (cause) {
      throw new Error(`applyChatTemplate: the chat template refuses the messages (${(cause as Error).message})`, { cause });
    }
  };
  return {
    source,
    render: (messages, options = {}) => run(messages, options, "", ""),
    renderMarked: (messages, options = {}) => {
      let mark = MARK;
      const content = JSON.stringify(messages);
      while (content.includes(mark)) mark += "\uf8f2";
      return splitMarks(run(messages, options, `${mark}(`, `${mark})`), mark);
    },
  };
}

function splitMarks(marked: string, mark: string): MarkedText {
  const [first = "", ...rest] = marked.split(mark);
  let text = first;
  const spans: [number, number][] = [];
  for (const piece of rest) {
    if (piece.startsWith("(")) spans.push([text.length, text.length + piece.length - 1]);
    text += piece.slice(1);
  }
  return { text, spans };
}
