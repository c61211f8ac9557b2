import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { collectRows, pipe, rowsOf, transform } from "../pipe.ts";
import { sha256 } from "../sha256.ts";
import { cacheRows, fileFingerprint } from "./cache-rows.ts";

const folder = mkdtempSync(join(tmpdir(), "zephyr-cache-"));
afterAll(() => rmSync(folder, { recursive: true }));

let runs = 0;
const counted = transform(async function* (rows: AsyncIterable<{ n: number }>) {
  runs++;
  for await (const row of rows) {
    if (row.n < 0) throw new Error("negative");
    yield { double: row.n * 2 };
  }
});

test("a stage runs once per key, in this and in later pipelines", async () => {
  const rows = (key: unknown) => pipe(rowsOf([{ n: 1 }, { n: 2 }]), cacheRows({ folder: join(folder, "a", "b"), key }, counted));
  const first = rows(["x", 1]);
  for (const again of [first, first, rows(["x", 1])]) expect(await collectRows(again)).toEqual([{ double: 2 }, { double: 4 }]);
  expect(runs).toBe(1);
  await collectRows(rows(["x", 2]));
  expect(runs).toBe(2);
});

test("a stage that fails leaves nothing behind", async () => {
  const rows = pipe(rowsOf([{ n: 1 }, { n: -1 }]), cacheRows({ folder: join(folder, "c"), key: 0 }, counted));
  await expect(collectRows(rows)).rejects.toThrow("negative");
  expect(readdirSync(join(folder, "c"))).toEqual([]);
});

test("fileFingerprint is the SHA-256 of the content", async () => {
  writeFileSync(join(folder, "f"), "été");
  expect(await fileFingerprint(join(folder, "f"))).toBe(sha256("été"));
});
