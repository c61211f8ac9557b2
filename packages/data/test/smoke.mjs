// Runs the built package under Node, Bun or Deno: write rows, read them back, pack them into a batch.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { collateSequences, collectRows, pipe, readRows, rowsOf, writeRows } from "@zephyr/data";

const folder = mkdtempSync(join(tmpdir(), "zephyr-data-smoke-"));
const rows = [1, 2, 3].map((n) => ({ prompt_id: `p${n}`, input_ids: [n, n + 1, n + 2], completion_mask: [0, 1, 1] }));
for (const name of ["rows.jsonl", "rows.jsonl.gz", "rows.parquet"]) {
  await writeRows(join(folder, name), rowsOf(rows));
  const back = await collectRows(readRows(join(folder, name)));
  if (JSON.stringify(back) !== JSON.stringify(rows)) throw new Error(`${name}: read ${JSON.stringify(back)}`);
}
const [batch] = await collectRows(pipe(rowsOf(rows), collateSequences({ sequencesPerBatch: 3 })));
if (batch.inputIds.join() !== "1,2,3,2,3,4,3,4,5" || batch.sequenceOffsets.join() !== "0,3,6,9") throw new Error("wrong batch");
rmSync(folder, { recursive: true });
console.log("ok");
