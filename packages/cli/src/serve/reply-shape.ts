import type { Answer, Piece } from "./answer.ts";

/** What all objects of one reply share. */
export interface ReplyHead {
  id: string;
  created: number;
  model: string;
}

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}

/** How an endpoint writes answers; `index` counts the answers of a request, prompt by prompt. */
export interface ReplyShape {
  idPrefix: string;
  whole(head: ReplyHead, answers: readonly Answer[], usage: Usage): object;
  /** What a stream says before an answer's first piece. */
  opening?(head: ReplyHead, index: number): object;
  piece(head: ReplyHead, index: number, piece: Piece): object;
  closing(head: ReplyHead, index: number, finishReason: Answer["finishReason"]): object;
  /** The last object of a stream that was asked for its usage. */
  usage(head: ReplyHead, usage: Usage): object;
}
