import { expect, it } from "vitest";
import { judgedTwice, mostCalls } from "../src/testing/judged-twice.ts";
import { temporaryFolder } from "../src/testing/run-cli.ts";

it.each(["alpaca", "mt-bench"] as const)(
  "zephyr eval %s, killed twice with SIGKILL: no answer is paid for twice, and the result files are those of an undisturbed run",
  async (kind) => {
    const run = await judgedTwice(kind, temporaryFolder(), [6, 20]);
    expect(run).toMatchObject({ repeated: 0, sameResult: true, kills: 2 });
    expect(run.needed).toBe(kind === "alpaca" ? 40 : 80);
    expect(run.calls).toBeLessThanOrEqual(mostCalls(run));
  },
);
