import { expect, test } from "vitest";
import { fuzzRounds } from "../../test/fuzz.ts";
import { bufferOf, fuzzReaders, Violation } from "../../test/fuzz-readers.ts";
import { readParquetBuffer } from "../parquet/read-parquet.ts";
import { randomFor } from "../random.ts";

/** Mutated inputs per reader; `test/fuzz.ts` runs any number. */
const ROUNDS = 300;
const MOST_MEMORY_GROWTH = 512 * 1024 * 1024;

const readers = await fuzzReaders();

test.each(readers)("$name: every mutated input is read or refused with an error of the known kinds", async (reader) => {
  const before = process.memoryUsage().rss;
  for await (const _ of reader.read(reader.seed, randomFor(0, reader.name)));
  const { read, refused } = await fuzzRounds(reader, 0, ROUNDS);
  expect(read + refused).toBe(ROUNDS);
  expect(refused).toBeGreaterThan(ROUNDS / 20);
  expect(process.memoryUsage().rss - before).toBeLessThan(MOST_MEMORY_GROWTH);
});

test("the fuzzer tells an error of the machinery and a broken promise from a refusal, and says how to repeat it", async () => {
  const [reader] = readers;
  const faulty = (fault: Error) => ({
    ...reader!,
    read: () => {
      throw fault;
    },
  });
  const faults = [new TypeError("x is undefined"), new Violation("got out")];
  for (const fault of faults)
    await expect(fuzzRounds(faulty(fault), 7, 1)).rejects.toThrow(`fuzz: jsonl, round 0, seed 7: ${String(fault)}`);
});

test("a run that claims more values than its page holds is refused before it is unrolled", async () => {
  const { parquetWriteBuffer } = await import("hyparquet-writer");
  const values = Array.from({ length: 1000 }, () => "same");
  const bytes = new Uint8Array(
    parquetWriteBuffer({ columnData: [{ name: "a", data: values, nullable: true }], codec: "UNCOMPRESSED" }),
  );
  const read = async (content: Uint8Array) => {
    let count = 0;
    for await (const _ of readParquetBuffer(bufferOf(content), "in", "fuzz")) count++;
    return count;
  };
  expect(await read(bytes)).toBe(1000);
  // 1,000 repeats are the varint d0 0f (twice 1,000), as is the count in the headers; fe 7f claims 8,191.
  const runs = [...bytes.keys()].filter((i) => bytes[i] === 0xd0 && bytes[i + 1] === 0x0f);
  const outcomes = await Promise.all(
    runs.map(async (run) => {
      const lying = bytes.slice();
      lying.set([0xfe, 0x7f], run);
      return read(lying).catch((error: Error) => error.message);
    }),
  );
  expect(outcomes).toContainEqual(expect.stringContaining("a run claims 8191 values where 1000 are left"));
});
