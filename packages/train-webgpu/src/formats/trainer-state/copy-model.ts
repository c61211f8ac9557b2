import { ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE } from "../adapter/adapter-folder.ts";
import { writeDurably } from "../files/durable-file.ts";
import { writeFolder } from "../files/staged-folder.ts";
import { COMPLETE_FILE, verifyCheckpoint } from "./checkpoint.ts";
import { OPTIMIZER_FILE } from "./optimizer-moments.ts";
import { TRAINER_STATE_FILE } from "./trainer-state.ts";

const OF_THE_RUN = [OPTIMIZER_FILE, TRAINER_STATE_FILE, COMPLETE_FILE];

/**
 * Copies the model (or adapter) and tokenizer of a checkpoint into a folder, byte for byte, whole or not at all; the optimizer's
 * moments and the run's state stay behind.
 *
 * Throws `ERR_CHECKPOINT` for a damaged checkpoint.
 *
 * @example await copyCheckpointModel("run/checkpoint-40", "run");
 */
export async function copyCheckpointModel(checkpoint: string, folder: string): Promise<void> {
  const { createReadStream } = await import("node:fs");
  const { readdir } = await import("node:fs/promises");
  const { join } = await import("node:path");
  await verifyCheckpoint(checkpoint);
  const names = (await readdir(checkpoint)).filter((name) => !OF_THE_RUN.includes(name));
  await writeFolder(folder, {
    marker: names.includes(ADAPTER_CONFIG_FILE) ? ADAPTER_CONFIG_FILE : "config.json",
    replaces: new RegExp(`^(model(-\\d+-of-\\d+)?\\.safetensors(\\.index\\.json)?|${ADAPTER_WEIGHTS_FILE.replace(".", "\\.")})$`),
    async write(staging) {
      for (const name of names) {
        const bytes = createReadStream(join(checkpoint, name), { highWaterMark: 1 << 20 });
        await writeDurably(join(staging, name), bytes as AsyncIterable<Uint8Array>);
      }
    },
  });
}
