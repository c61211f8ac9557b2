import { isRequestError } from "../client/errors.ts";

/** Whether JSON schemas are sent to one model; learnt from the first request that holds one. */
export interface StructuredOutput {
  isOn(): boolean;
  /** The model refused one: none is sent for the rest of the run. */
  drop(): void;
  /** Runs an attempt with a schema; while it is unknown whether schemas are taken, one tries and the others wait for it. */
  aroundAttempt<T>(attempt: () => Promise<T>): Promise<T>;
}

/** `true`: always; `false`: never; "known": until refused; undefined: tried once. */
export function structuredOutput(setting: boolean | "known" | undefined): StructuredOutput {
  let isOn = setting !== false;
  let isKnown = setting !== undefined;
  let trial: Promise<unknown> | undefined;
  const tryOut = async <T>(attempt: () => Promise<T>): Promise<T> => {
    try {
      const result = await attempt();
      isKnown = true;
      return result;
    } catch (error) {
      // Anything but a verdict on the request says nothing about schemas.
      if (!isRequestError(error) || error.kind === "refusal" || error.kind === "content_filter") isKnown = true;
      throw error;
    } finally {
      trial = undefined;
    }
  };
  return {
    isOn: () => isOn,
    drop() {
      isOn = false;
      isKnown = true;
    },
    async aroundAttempt(attempt) {
      if (!isOn) return attempt();
      while (!isKnown && trial !== undefined) await trial.catch(() => {});
      if (isKnown || !isOn) return attempt();
      const mine = tryOut(attempt);
      trial = mine;
      return mine;
    },
  };
}
