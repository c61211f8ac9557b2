import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../testing/run-cli.ts";
import { crc32c, maskedCrc32c } from "./crc32c.ts";
import { scalarEvent, startEvent } from "./event.ts";
import { beginEventFile } from "./event-file.ts";

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
/** The wall time and the first record of an event file that TensorFlow wrote (tensorboard/data/server/tf_record.rs). */
const WRITTEN = 1_599_759_586;
const FIRST_RECORD =
  "\x18\0\0\0\0\0\0\0\xa3\x7f\x4b\x22\x09\x00\x00\x80\x38\x99\xd6\xd7\x41\x1a\x0dbrain.Event:2\x12\x4b\x36\xab";
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** The records of an event file, every checksum of which is verified. */
function records(path: string): Uint8Array[] {
  const file = readFileSync(path);
  const found: Uint8Array[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    expect(file.readUInt32LE(at + 8)).toBe(maskedCrc32c(file.subarray(at, at + 8)));
    const data = file.subarray(at + 12, at + 12 + length);
    expect(file.readUInt32LE(at + 12 + length)).toBe(maskedCrc32c(data));
    found.push(data);
    at += length + 16;
  }
  return found;
}

describe("crc32c", () => {
  it("gives the checksums of RFC 3720, appendix B.4", () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => 31 - i))).toBe(0x113fdb5c);
    expect(crc32c(ascii("123456789"))).toBe(0xe3069283);
  });

  it("masked, gives the checksums that TensorFlow wrote to real event files", () => {
    expect(maskedCrc32c(ascii("\x1a\x11CRC test, one two"))).toBe(0x5794d08a);
    // `tf.summary.scalar("accuracy", 0.99, step=77)`: a tensor, with the scalars plugin named.
    const summary =
      "\x09\xc4\x05\xb7\x3d\x99\xd6\xd7\x41\x10\x4d\x2a\x25\x0a\x23\x0a\x08accuracy\x42\x0a\x08\x01\x12\x00\x22\x04\xa4\x70\x7d\x3f\x4a\x0b\x0a\x09\x0a\x07scalars";
    expect(maskedCrc32c(ascii(summary))).toBe(0x33645ba5);
  });
});

describe("events", () => {
  it("hold step, tag and value in TensorFlow's fields", () => {
    const event = scalarEvent({ wallTime: 0, step: 300, scalars: { "train/loss": 0.5 } });
    expect(hex(event)).toBe(hex(ascii("\x09\0\0\0\0\0\0\0\0\x10\xac\x02\x2a\x13\x0a\x11\x0a\x0atrain/loss\x15\x00\x00\x00\x3f")));
    expect(hex(startEvent(0, 4))).toBe(hex(ascii("\x09\0\0\0\0\0\0\0\0\x10\x04\x3a\x02\x08\x01")));
  });

  it("hold steps beyond 32 bits", () => {
    expect(hex(startEvent(0, 2 ** 40)).slice(18)).toBe(hex(ascii("\x10\x80\x80\x80\x80\x80\x20\x3a\x02\x08\x01")));
  });
});

describe("beginEventFile", () => {
  it("writes a file that begins as TensorFlow's do, then one record a line of the log, evaluations under eval/", async () => {
    const folder = temporaryFolder();
    const events = await beginEventFile(folder, 1, () => WRITTEN * 1000);
    await events.append(1, { loss: 0.5, "rewards/margins": -0.25 });
    await events.append(1, { eval_loss: 0.75 });
    expect(readdirSync(folder)).toEqual(["events.out.tfevents.1599759586.zephyr.0"]);
    expect(hex(readFileSync(events.path).subarray(0, 40))).toBe(hex(ascii(FIRST_RECORD)));
    const [, start, train, held] = records(events.path);
    expect(hex(start!)).toBe(hex(startEvent(WRITTEN, 1)));
    const scalars = { "train/loss": 0.5, "train/rewards/margins": -0.25 };
    expect(hex(train!)).toBe(hex(scalarEvent({ wallTime: WRITTEN, step: 1, scalars })));
    expect(Buffer.from(held!).toString("latin1")).toContain("eval/loss");
  });

  it("takes a new name when the run goes on within the same second, and the newer file sorts last", async () => {
    const folder = temporaryFolder();
    const now = () => WRITTEN * 1000;
    const paths = [await beginEventFile(folder, 1, now), await beginEventFile(folder, 5, now)].map(({ path }) => path);
    expect(new Set(paths).size).toBe(2);
    expect(paths.toSorted()).toEqual(paths);
  });
});
