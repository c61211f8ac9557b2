import { appendFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { maskedCrc32c } from "./crc32c.ts";
import { scalarEvent, startEvent, versionEvent } from "./event.ts";

/** How an event file's name begins; TensorBoard looks for `tfevents`, and reads the files of a folder in the order of their names. */
export const EVENT_FILE_PREFIX = "events.out.tfevents.";

/** A run's scalars as TensorBoard reads them. */
export interface EventFile {
  readonly path: string;
  /** Adds a line of the log: `loss` becomes `train/loss`, `eval_loss` becomes `eval/loss`, as in transformers. */
  append(step: number, metrics: Readonly<Record<string, number>>): Promise<void>;
}

/**
 * Begins an event file in a run's folder, at the step that comes first. TensorBoard then shows it in place of what an
 * earlier part of the run, which this one goes on from, had written of that step and later ones.
 *
 * @example
 * const events = await beginEventFile("runs/dpo", 1);
 * await events.append(1, { loss: 0.693147, "rewards/margins": 0 }); // tensorboard --logdir runs
 */
export async function beginEventFile(folder: string, firstStep: number, now: () => number = Date.now): Promise<EventFile> {
  const seconds = (): number => now() / 1000;
  const before = (await readdir(folder)).filter((name) => name.startsWith(EVENT_FILE_PREFIX)).length;
  const path = join(folder, `${EVENT_FILE_PREFIX}${String(Math.floor(seconds())).padStart(10, "0")}.zephyr.${before}`);
  const begin = [versionEvent(seconds()), startEvent(seconds(), firstStep)].map(record);
  await writeFile(path, Buffer.concat(begin), { flag: "wx" });
  return {
    path,
    async append(step, metrics) {
      const scalars = Object.fromEntries(Object.entries(metrics).map(([name, value]) => [tag(name), value]));
      await appendFile(path, record(scalarEvent({ wallTime: seconds(), step, scalars })));
    },
  };
}

const tag = (metric: string): string => (metric.startsWith("eval_") ? `eval/${metric.slice(5)}` : `train/${metric}`);

/** A TFRecord: length (8 bytes), its checksum, the data, its checksum; little-endian (tensorflow/core/lib/io/record_writer.h). */
function record(data: Uint8Array): Uint8Array {
  const whole = new Uint8Array(data.length + 16);
  const view = new DataView(whole.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(whole.subarray(0, 8)), true);
  whole.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(data), true);
  return whole;
}
