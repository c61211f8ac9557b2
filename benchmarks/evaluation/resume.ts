import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { judgedTwice, mostCalls } from "../../packages/cli/src/testing/judged-twice.ts";
import type { Measured } from "./measured.ts";

/** Live judging killed with SIGKILL three times, against a run that nobody killed. */
export async function resume(): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const kind of ["alpaca", "mt-bench"] as const) {
    const folder = mkdtempSync(join(tmpdir(), "zephyr-killed-"));
    try {
      const run = await judgedTwice(kind, folder, [6, 17, 30]);
      const where = `eval ${kind}, killed ${run.kills} times`;
      measured.push(
        { what: `${where}: answered calls that were sent again`, measured: run.repeated, bar: 0 },
        {
          what: `${where}: calls in all, ${run.needed} undisturbed and at most 4 on the wire at a kill`,
          measured: run.calls,
          bar: mostCalls(run),
        },
        { what: `${where}: 1 if a result file differs by a byte`, measured: run.sameResult ? 0 : 1, bar: 0 },
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return measured;
}
