/**
 * Is the output the same, to the byte, from one shard or eight, in any order, and after a kill?
 *
 *   npx node --conditions=zephyr-source benchmarks/data/same-bytes.ts [rows] [kills]
 *
 * Binarizes rated rows as a whole; in 8 shards; in reverse order, put back by prompt_id; and again and again in processes that are
 * killed (SIGKILL) at a random moment before one is left to end. Prints a SHA-256 for each; they must be one.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { binarize, presetNames } from "@zephyr/binarize";
import { collectRows, pipe, type RatedRow, randomFor, readRows, rowsOf, type UntypedRow, writeRows } from "@zephyr/data";
import { ratedRow } from "./generate.ts";
import { inTemporaryFolder, print, printMachine, timed } from "./measure.ts";

const SHARDS = 8;
const rule = binarize({ preset: "zephyr-paper", seed: 0 });
const sha256 = (bytes: string | Uint8Array) => createHash("sha256").update(bytes).digest("hex").slice(0, 16);
const linesOf = async (rows: AsyncIterable<object>) => (await collectRows(rows)).map((row) => `${JSON.stringify(row)}\n`);

/** The lines of all presets, from all rows at once, from shards, and from rows in reverse order. */
async function compareOrders(rows: readonly RatedRow[]): Promise<void> {
  for (const preset of presetNames) {
    const stage = binarize({ preset, seed: 0 });
    const whole = await linesOf(stage(rowsOf(rows)));
    const size = Math.ceil(rows.length / SHARDS);
    const shards: string[] = [];
    for (let i = 0; i < SHARDS; i += 1) shards.push(...(await linesOf(stage(rowsOf(rows.slice(i * size, (i + 1) * size))))));
    const byId = new Map<string, string>();
    for await (const row of stage(rowsOf(rows.toReversed()))) {
      const id = (row as UntypedRow).prompt_id;
      byId.set(id, `${byId.get(id) ?? ""}${JSON.stringify(row)}\n`);
    }
    const reordered = rows.map(({ prompt_id: id }) => byId.get(id) ?? "");
    const hashes = [whole, shards, reordered].map((lines) => sha256(lines.join("")));
    print({ preset, one_shard: hashes[0], eight_shards: hashes[1], reverse_order: hashes[2], same: new Set(hashes).size === 1 });
  }
}

async function compareKills(rows: readonly RatedRow[], kills: number): Promise<void> {
  await inTemporaryFolder(async (folder) => {
    const input = join(folder, "rated.jsonl");
    await writeRows(input, rowsOf(rows));
    for (const ending of ["jsonl", "jsonl.gz", "parquet"]) {
      const [undisturbed, disturbed] = [join(folder, `a.${ending}`), join(folder, `b.${ending}`)];
      const { seconds } = await timed(() => runOnce(input, undisturbed, Number.POSITIVE_INFINITY));
      let partial = 0;
      for (let kill = 0; kill < kills; kill += 1) {
        await runOnce(input, disturbed, 1000 * seconds * randomFor(12, kill).next());
        if (readdirSync(folder).includes(`b.${ending}`))
          partial += sha256(readFileSync(disturbed)) === sha256(readFileSync(undisturbed)) ? 0 : 1;
      }
      await runOnce(input, disturbed, Number.POSITIVE_INFINITY);
      const [a, b] = [sha256(readFileSync(undisturbed)), sha256(readFileSync(disturbed))];
      print({ ending, kills, partial_outputs: partial, undisturbed: a, after_kills: b, same: a === b });
    }
  });
}

async function runOnce(input: string, output: string, milliseconds: number): Promise<void> {
  const child = spawn(process.execPath, [...process.execArgv, import.meta.filename, "run", input, output], { stdio: "inherit" });
  const ended = new Promise<number | null>((done) => child.once("exit", done));
  if (Number.isFinite(milliseconds)) {
    await Promise.race([ended, sleep(milliseconds)]);
    child.kill("SIGKILL");
  }
  const code = await ended;
  if (milliseconds === Number.POSITIVE_INFINITY && code !== 0) throw new Error(`benchmark: a run ended with ${code}`);
}

const [mode = "2000", ...rest] = process.argv.slice(2);
if (mode === "run") await writeRows(rest[1]!, pipe(readRows<RatedRow>(rest[0]!), rule));
else {
  printMachine();
  const rows = Array.from({ length: Number(mode) }, (_, i) => ratedRow(i));
  await compareOrders(rows);
  await compareKills(rows, Number(rest[0] ?? 5));
}
