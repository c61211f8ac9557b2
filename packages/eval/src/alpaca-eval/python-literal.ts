export type PythonValue = string | number | boolean | null | PythonValue[] | { [key: string]: PythonValue };

const ESCAPES: Record<string, string> = { n: "\n", t: "\t", r: "\r", "\\": "\\", "'": "'", '"': '"' };

/**
 * Reads a Python literal (lists, tuples, dicts with text keys, text, numbers, True, False, None) that fills the whole
 * text, as `ast.literal_eval` would; undefined for anything else. Nothing is executed.
 */
export function parsePythonLiteral(text: string): PythonValue | undefined {
  const tokens = tokenize(text.trim());
  if (!tokens) return undefined;
  let at = 0;

  function sequence(end: string): PythonValue[] | undefined {
    const items: PythonValue[] = [];
    while (tokens![at] !== end) {
      const item = value();
      if (item === undefined) return undefined;
      items.push(item);
      if (tokens![at] === ",") at++;
      else if (tokens![at] !== end) return undefined;
    }
    at++;
    return items;
  }
  function dictionary(): PythonValue | undefined {
    const entries: [string, PythonValue][] = [];
    while (tokens![at] !== "}") {
      const key = value();
      if (typeof key !== "string" || tokens![at++] !== ":") return undefined;
      const item = value();
      if (item === undefined) return undefined;
      entries.push([key, item]);
      if (tokens![at] === ",") at++;
      else if (tokens![at] !== "}") return undefined;
    }
    at++;
    return Object.fromEntries(entries);
  }
  function value(): PythonValue | undefined {
    const token = tokens![at++];
    if (token === undefined) return undefined;
    if (token === "[") return sequence("]");
    if (token === "(") return sequence(")");
    if (token === "{") return dictionary();
    if (token === "True" || token === "False") return token === "True";
    if (token === "None") return null;
    if (token.startsWith("'") || token.startsWith('"'))
      return token.slice(1, -1).replace(/\\(.)/gs, (whole, c: string) => ESCAPES[c] ?? whole);
    return /^[-+]?[\d.]/.test(token) ? Number(token) : undefined;
  }
  const parsed = value();
  return at === tokens.length ? parsed : undefined;
}

function tokenize(text: string): string[] | undefined {
  const tokens: string[] = [];
  const pattern =
    /\s*(?:([[\](){}:,])|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|(True|False|None))/gy;
  let end = 0;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    tokens.push(match[1] ?? match[2] ?? match[3] ?? match[4]!);
    end = pattern.lastIndex;
  }
  return end === text.length && tokens.length > 0 ? tokens : undefined;
}
