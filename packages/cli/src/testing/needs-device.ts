import type { TestContext } from "vitest";
import { runCli } from "./run-cli.ts";

let reason: Promise<string | undefined> | undefined;

/** Skips a test, saying why, where no device can be had; looked for once in a file. */
export async function needsDevice({ skip }: Pick<TestContext, "skip">): Promise<void> {
  reason ??= runCli(["doctor"]).then(({ code, stderr }) => (code === 0 ? undefined : stderr.trim()));
  const why = await reason;
  if (why !== undefined) skip(why);
}
