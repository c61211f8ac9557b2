/** Markup that may go into the page as it is; only `html` makes it. */
export interface Html {
  readonly markup: string;
}

type Value = string | number | Html | readonly Html[] | null | undefined | false;

/**
 * Template tag for markup: every interpolated text is escaped, so model text cannot become an element or an attribute.
 * Interpolated `Html` goes in as it is; null, undefined and false vanish.
 *
 * @example
 * html`<p>${"<b>"}</p>`.markup; // <p>&lt;b&gt;</p>
 */
export function html(strings: TemplateStringsArray, ...values: Value[]): Html {
  let markup = strings[0]!;
  values.forEach((value, i) => {
    markup += render(value) + strings[i + 1]!;
  });
  return { markup };
}

function render(value: Value): string {
  if (value === null || value === undefined || value === false) return "";
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return escapeText(value);
  if (Array.isArray(value)) return value.map((part: Html) => part.markup).join("");
  return (value as Html).markup;
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "`": "&#96;" };

/** Escapes text for element content and quoted attributes; control characters and lone surrogates become U+FFFD. */
export function escapeText(text: string): string {
  return (
    text
      .replace(/\p{Surrogate}/gu, "\ufffd")
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, "\ufffd")
      .replace(/[&<>"'`]/g, (character) => ENTITIES[character]!)
  );
}
