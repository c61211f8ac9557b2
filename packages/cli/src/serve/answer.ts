import type { DrawnToken, GenerationRequest, Generator } from "@zephyr/train-webgpu";

/** Text of an answer that is certain, and the tokens that it came with. */
export interface Piece {
  text: string;
  tokens: DrawnToken[];
}

/** A whole answer; its text and tokens are those of its pieces joined. */
export interface Answer extends Piece {
  finishReason: "stop" | "length";
  /** Tokens drawn, the end-of-sequence token included. */
  completionTokens: number;
}

/**
 * One answer to one prompt, piece by piece as it is drawn. A reply in one piece and a streamed one are made of the same pieces, so they
 * hold the same text and the same log-probabilities.
 *
 * Throws at once for a request that cannot be run; what happens later rejects the promise.
 */
export function answer(
  generator: Generator,
  request: GenerationRequest,
  onPiece: (piece: Piece) => void = () => {},
): Promise<Answer> {
  const whole: Piece = { text: "", tokens: [] };
  // Tokens whose text is held back: half characters, and what may become a stop text.
  let held: DrawnToken[] = [];
  const free = (text: string): void => {
    if (text === "" && held.length === 0) return;
    const piece = { text, tokens: held };
    held = [];
    whole.text += text;
    whole.tokens.push(...piece.tokens);
    onPiece(piece);
  };
  const running = generator.run({
    ...request,
    onToken(token) {
      held.push(token);
      if (token.text !== "") free(token.text);
    },
  });
  return running.then(({ tokenIds, finishReason, content = "" }) => {
    held = held.slice(0, Math.max(0, tokenIds.length - whole.tokens.length));
    free(content.slice(whole.text.length));
    return { ...whole, finishReason, completionTokens: tokenIds.length };
  });
}
