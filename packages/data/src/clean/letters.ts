import { normalizeText } from "./normalize-text.ts";

/** What an ASCII character is: 0 between words, 1 left out (the apostrophe), else its lower-case letter or digit. */
const asciiLetters = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (character === "'") return 1;
  return /[A-Za-z0-9]/.test(character) ? character.toLowerCase().charCodeAt(0) : 0;
});

/** The letters and digits of a text as `normalizeText` leaves them, without its spaces, in arrays that are used again for the next text. */
export class Letters {
  /** [length] UTF-16 units. */
  codes = new Uint16Array(4096);
  /** [length] 1 where a word begins. */
  starts = new Uint8Array(4096);
  length = 0;

  /** Reads another text. */
  read(text: string): void {
    if (text.length > this.codes.length) this.#reserve(text.length);
    if (this.#readAscii(text)) return;
    const normalized = normalizeText(text);
    if (normalized.length > this.codes.length) this.#reserve(normalized.length);
    this.#readNormalized(normalized);
  }

  /** False, with nothing read, where a character is not ASCII. */
  #readAscii(text: string): boolean {
    const { codes, starts } = this;
    let length = 0;
    let start = 1;
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      if (code > 127) return false;
      const letter = asciiLetters[code]!;
      if (letter === 0) start = 1;
      else if (letter !== 1) {
        codes[length] = letter;
        starts[length] = start;
        start = 0;
        length += 1;
      }
    }
    this.length = length;
    return true;
  }

  #readNormalized(normalized: string): void {
    let length = 0;
    let start = 1;
    for (let i = 0; i < normalized.length; i += 1) {
      const code = normalized.charCodeAt(i);
      if (code === 32) {
        start = 1;
        continue;
      }
      this.codes[length] = code;
      this.starts[length] = start;
      start = 0;
      length += 1;
    }
    this.length = length;
  }

  #reserve(size: number): void {
    this.codes = new Uint16Array(size * 2);
    this.starts = new Uint8Array(size * 2);
  }
}
