import type { Generate } from "@zephyr/data";
import { isRequestError, RequestError } from "./client/errors.ts";
import { type LimitedModelOptions, limitedModel, type Model } from "./model.ts";

/**
 * A model from any `Generate`: the local policy, a cache, a function in a test. Errors it throws fail the row.
 *
 * @example fromGenerate("zephyr-dpo", policy.generate, { maxConcurrency: 8 })
 */
export function fromGenerate(
  name: string,
  generate: Generate,
  options: Omit<LimitedModelOptions, "name" | "id" | "attempt"> = {},
): Model {
  return limitedModel({
    ...options,
    name,
    id: `function:${name}`,
    async attempt(messages, callOptions) {
      try {
        return await generate(messages, callOptions);
      } catch (cause) {
        if (isRequestError(cause)) throw cause;
        throw new RequestError("bad_request", `${name}: ${cause instanceof Error ? cause.message : String(cause)}`, {
          model: name,
          cause,
        });
      }
    },
  });
}

/** Checks that names are there and differ, and gives bare functions limits. */
export function asModels(where: string, models: readonly (Model | Generate)[]): Model[] {
  const named = models.map((model) => ("limits" in model ? model : fromGenerate(model.name, model)));
  const names = named.map(({ name }) => name);
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  if (names.includes("")) throw new TypeError(`${where}: a model has no name; wrap it with fromGenerate(name, generate)`);
  if (repeated !== undefined)
    throw new TypeError(`${where}: two models are named ${JSON.stringify(repeated)}; give each its own name`);
  return named;
}
