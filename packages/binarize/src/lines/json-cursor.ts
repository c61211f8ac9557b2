const [TAB, LINE_FEED, RETURN, SPACE, QUOTE, COMMA, COLON, BACKSLASH] = [9, 10, 13, 32, 34, 44, 58, 92];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [91, 93, 123, 125];
const [ZERO, NINE] = [48, 57];

const SCALAR = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)/y;

/** Where the text is no JSON, or JSON of another form than the reader looks for: the whole is then parsed as usual. */
export class Unexpected extends Error {}

/** The usual keys of an object, in their usual order: the one after the last that was found is looked for first. */
export interface ExpectedKeys {
  readonly keys: readonly string[];
  readonly spellings: readonly string[];
  next: number;
}

export function expectedKeys(...keys: string[]): ExpectedKeys {
  return { keys, spellings: keys.map((key) => `${JSON.stringify(key)}:`), next: keys.length - 1 };
}

/**
 * Walks over one JSON value without decoding it. All that it passes is checked, but for what stands between the quotes of a text that
 * it skips: looking for the closing quote alone is many times as fast.
 */
export class JsonCursor {
  readonly text: string;
  #at = 0;

  constructor(text: string) {
    this.text = text;
  }

  isText(): boolean {
    return this.text.charCodeAt(this.#at) === QUOTE;
  }

  isObject(): boolean {
    return this.text.charCodeAt(this.#at) === OPEN_OBJECT;
  }

  isList(): boolean {
    return this.text.charCodeAt(this.#at) === OPEN_LIST;
  }

  /** Skips white space. */
  space(): void {
    let code = this.text.charCodeAt(this.#at);
    while (code === SPACE || code === LINE_FEED || code === RETURN || code === TAB) code = this.text.charCodeAt(++this.#at);
  }

  /** Throws unless the text ends here. */
  end(): void {
    this.space();
    if (this.#at !== this.text.length) throw new Unexpected();
  }

  /** Enters an object or list; false where it is empty and passed already. */
  enter(): boolean {
    const close = this.text.charCodeAt(this.#at++) === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_LIST;
    this.space();
    if (this.text.charCodeAt(this.#at) !== close) return true;
    this.#at++;
    return false;
  }

  nextMember(): boolean {
    return this.#next(CLOSE_OBJECT);
  }

  nextElement(): boolean {
    return this.#next(CLOSE_LIST);
  }

  /** True where another member or element follows, false where `close` ends them. */
  #next(close: number): boolean {
    this.space();
    const code = this.text.charCodeAt(this.#at++);
    if (code === close) return false;
    if (code !== COMMA) throw new Unexpected();
    this.space();
    return true;
  }

  /** Passes a key and its colon, and gives the key. */
  key(expected: ExpectedKeys): string {
    const { keys, spellings } = expected;
    const first = this.text.charCodeAt(this.#at + 1);
    for (let tried = 0; tried < keys.length; tried++) {
      expected.next = expected.next + 1 === keys.length ? 0 : expected.next + 1;
      const spelling = spellings[expected.next]!;
      if (first !== spelling.charCodeAt(1) || !this.text.startsWith(spelling, this.#at)) continue;
      this.#at += spelling.length;
      this.space();
      return keys[expected.next]!;
    }
    return this.#anyKey();
  }

  #anyKey(): string {
    if (!this.isText()) throw new Unexpected();
    const start = this.#at;
    this.#skipText();
    const raw = this.text.slice(start, this.#at);
    this.#colon();
    return JSON.parse(raw) as string;
  }

  #colon(): void {
    this.space();
    if (this.text.charCodeAt(this.#at++) !== COLON) throw new Unexpected();
    this.space();
  }

  /** Passes a text and gives it as it is written, quotes included. */
  rawText(): string {
    const start = this.#at;
    this.#skipText();
    return this.text.slice(start, this.#at);
  }

  /** Decodes the value here. */
  value(): unknown {
    const code = this.text.charCodeAt(this.#at);
    const after = this.text.charCodeAt(this.#at + 1);
    if (code >= ZERO && code <= NINE && (after === COMMA || after === CLOSE_OBJECT || after === CLOSE_LIST)) {
      this.#at++;
      return code - ZERO;
    }
    const start = this.#at;
    this.skip();
    return JSON.parse(this.text.slice(start, this.#at));
  }

  /** Passes the value here. */
  skip(): void {
    const code = this.text.charCodeAt(this.#at);
    if (code === QUOTE) this.#skipText();
    else if (code === OPEN_OBJECT) {
      for (let more = this.enter(); more; more = this.nextMember()) {
        if (!this.isText()) throw new Unexpected();
        this.#skipText();
        this.#colon();
        this.skip();
      }
    } else if (code === OPEN_LIST) for (let more = this.enter(); more; more = this.nextElement()) this.skip();
    else this.#skipScalar();
  }

  #skipText(): void {
    for (let end = this.text.indexOf('"', this.#at + 1); end >= 0; end = this.text.indexOf('"', end + 1)) {
      let backslash = end - 1;
      while (this.text.charCodeAt(backslash) === BACKSLASH) backslash--;
      // An even number of backslashes are escapes of each other.
      if ((end - backslash) % 2 === 0) continue;
      this.#at = end + 1;
      return;
    }
    throw new Unexpected();
  }

  #skipScalar(): void {
    SCALAR.lastIndex = this.#at;
    if (!SCALAR.test(this.text)) throw new Unexpected();
    this.#at = SCALAR.lastIndex;
  }
}
