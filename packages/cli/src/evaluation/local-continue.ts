import type { GenerateTokensOptions } from "@zephyr/eval";
import { createGenerator, type Policy } from "@zephyr/train-webgpu";

/** A policy as what written answers ask: greedy continuations of token ids. */
export interface LocalContinue extends Disposable {
  generate: GenerateTokensOptions["generate"];
}

export function localContinue(policy: Policy, maxLength: number): LocalContinue {
  const generator = createGenerator(policy, { maxLength });
  return {
    generate: (requests) =>
      Promise.all(
        requests.map(async ({ promptIds, stop, maxTokens }) => {
          const { content = "" } = await generator.run({ promptIds, stop, maxTokens, temperature: 0 });
          return content;
        }),
      ),
    [Symbol.dispose]: () => generator[Symbol.dispose](),
  };
}
