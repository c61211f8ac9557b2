import type { Attribute } from "./knowledge.ts";

/** How the answer must look: as one likes, one word, capital letters, whole sentences, or one word per line after "- ". */
export type Format = "free" | "one-word" | "capitals" | "sentence" | "list";

/** What a prompt asks for: the meaning of its text, which `writePrompt` words and `readPrompt` recovers. */
export type Task =
  | { kind: "attribute"; thing: string; attribute: Attribute; format: Format }
  | { kind: "yes-no"; thing: string; attribute: Attribute; value: string; format: Format }
  | { kind: "unknown"; name: string; attribute: Attribute; format: Format }
  | { kind: "opposite"; word: string; format: Format }
  | { kind: "sum"; left: number; right: number; format: Format }
  | { kind: "copy" | "reverse"; words: string[]; format: Format }
  | { kind: "first" | "last"; words: string[]; format: Format }
  | { kind: "count"; words: string[]; format: Format }
  | { kind: "odd-one-out"; group: string; words: string[]; format: Format }
  | { kind: "sentence"; thing: string; format: Format }
  | { kind: "polite"; verb: string; thing: string; format: Format };

export type Kind = Task["kind"];
