import type { Score, ScoreRequest } from "@zephyr/eval";
import { createScorer, type Policy } from "@zephyr/train-webgpu";
import { scoreSequences } from "../models/token-scores.ts";

/** A policy as what multiple choice asks: the log-likelihood of continuations. */
export interface LocalScore extends Disposable {
  score: Score;
}

export function localScore(policy: Policy, tokensPerBatch: number): LocalScore {
  const scorer = createScorer(policy);
  return {
    async score(requests: readonly ScoreRequest[]) {
      const sequences = requests.map(({ contextIds, continuationIds }) => [...contextIds, ...continuationIds]);
      const scores = await scoreSequences(scorer, sequences, tokensPerBatch);
      return requests.map(({ contextIds }, i) => {
        // Token t of the sequence is predicted at place t - 1.
        const own = scores[i]!.tokenLogps.slice(contextIds.length - 1);
        const greedy = scores[i]!.greedy.slice(contextIds.length - 1);
        return { logLikelihood: own.reduce((sum, logp) => sum + logp, 0), isGreedy: greedy.every(Boolean) };
      });
    },
    [Symbol.dispose]: () => scorer[Symbol.dispose](),
  };
}
