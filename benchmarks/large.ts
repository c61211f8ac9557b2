import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  loadModel,
  type ParameterShape,
  parameterShapes,
  parseModelConfig,
  requestDevice,
  type WeightDtype,
} from "@zephyr/train-webgpu";
import { buildHeader } from "../packages/train-webgpu/src/formats/safetensors/header.ts";
import { INDEX_FILE, planShards, shardIndexJson } from "../packages/train-webgpu/src/formats/safetensors/shard-index.ts";
import { MISTRAL_7B } from "../packages/train-webgpu/src/testing/mistral-7b.ts";

/** A sharded bfloat16 checkpoint of zeros: headers and index are real, the data are holes of sparse files. Returns its bytes. */
function writeHollowCheckpoint(folder: string, shapes: ParameterShape[]): number {
  const tensors = shapes.map(({ name, shape }) => ({ name, shape, dtype: "BF16" as const }));
  const shards = planShards(tensors, 5e9);
  let total = 0;
  for (const { file, tensors: held } of shards) {
    const header = buildHeader(held, { format: "pt" });
    const bytes = held.reduce((sum, { shape }) => sum + 2 * shape.reduce((product, n) => product * n, 1), 0);
    const path = join(folder, file);
    const handle = openSync(path, "w");
    writeSync(handle, header);
    closeSync(handle);
    truncateSync(path, header.length + bytes);
    total += header.length + bytes;
  }
  writeFileSync(join(folder, INDEX_FILE), shardIndexJson(shards));
  return total;
}

/** The most memory that this process ever had, in bytes. */
function peakResidentBytes(): number {
  const [, kibibytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))!;
  return Number(kibibytes) * 1024;
}

const layers = Number(process.env["LAYERS"] ?? 32);
const dtype = (process.argv[2] ?? "nf4") as WeightDtype;
const folder = mkdtempSync(join(tmpdir(), "zephyr-7b-"));
try {
  const json = { ...MISTRAL_7B, num_hidden_layers: layers };
  const config = parseModelConfig(json);
  writeFileSync(join(folder, "config.json"), JSON.stringify(json));
  const checkpointBytes = writeHollowCheckpoint(folder, parameterShapes(config));
  using device = await requestDevice();
  const before = peakResidentBytes();
  const started = performance.now();
  using policy = await loadModel(device, folder, { dtype });
  const tensors = [...policy.weights.tensors.values()];
  const deviceBytes = tensors.reduce((sum, { bytes, scales }) => sum + bytes + (scales?.bytes ?? 0), 0);
  const parameters = [...policy.weights.shapes.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const gibibytes = (bytes: number): number => Number((bytes / 2 ** 30).toFixed(3));
  const seconds = (performance.now() - started) / 1000;
  console.log(
    JSON.stringify({
      case: `load_7b_${dtype}`,
      adapter: device.adapter.description,
      parameters,
      checkpoint_gib: gibibytes(checkpointBytes),
      device_gib: gibibytes(deviceBytes),
      bytes_per_parameter: Number((deviceBytes / parameters).toFixed(4)),
      // A software adapter's device memory is the process's own, so it is taken off.
      host_peak_gib: gibibytes(peakResidentBytes() - deviceBytes),
      host_before_gib: gibibytes(before),
      seconds: Number(seconds.toFixed(1)),
      gib_per_second: Number((checkpointBytes / 2 ** 30 / seconds).toFixed(3)),
    }),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
