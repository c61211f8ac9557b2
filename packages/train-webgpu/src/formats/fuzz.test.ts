import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tokenizerFromJson } from "@zephyr/data";
import { afterAll, describe, expect, it } from "vitest";
import { uniforms } from "../random/random-stream.ts";
import { type Draw, mutateBytes, mutateJson } from "../testing/mutate.ts";
import { fixture } from "../testing/reference.ts";
import { parseAdapterConfig } from "./adapter/adapter-config.ts";
import { checkAdapter } from "./adapter/adapter-folder.ts";
import { blobSource } from "./files/byte-source.ts";
import { isJsonObject, type JsonObject, type JsonValue, strictJson } from "./json/strict-json.ts";
import { parameterShapes } from "./model-config/parameter-shapes.ts";
import { parseModelConfig } from "./model-config/parse-model-config.ts";
import { inverseFrequencies } from "./model-config/rope.ts";
import { isFloatDtype, toFloat32 } from "./safetensors/convert.ts";
import { parseHeader } from "./safetensors/header.ts";
import { safetensorsFromSources } from "./safetensors/read.ts";
import { parseShardIndex, shardIndexJson } from "./safetensors/shard-index.ts";
import { LOG_FILE, readLog } from "./trainer-state/log-history.ts";
import { readTrainerState, TRAINER_STATE_FILE, trainerStateJson } from "./trainer-state/trainer-state.ts";

// Mutated inputs for every reader of a model folder: each is read, or refused with the reader's own error, and what is read holds what
// it promises. ZEPHYR_FUZZ_INPUTS (inputs a reader, 400 unless set) and ZEPHYR_FUZZ_SEED make a long run of it; a fault names its round.

const INPUTS = Number(process.env["ZEPHYR_FUZZ_INPUTS"] ?? 400);
const SEED = Number(process.env["ZEPHYR_FUZZ_SEED"] ?? 0);
const folder = mkdtempSync(join(tmpdir(), "zephyr-fuzz-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bytesOf = (name: string): Uint8Array => readFileSync(fixture(name));
const jsonOf = (name: string): JsonObject => JSON.parse(readFileSync(fixture(name), "utf8"));
const encode = (json: JsonValue): Uint8Array => new TextEncoder().encode(JSON.stringify(json));
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** A file with three tensors of three types, small enough that every byte is hit. */
function smallSafetensors(header: JsonValue, dataBytes: number): Uint8Array {
  const json = encode(header);
  const bytes = new Uint8Array(8 + json.length + dataBytes).map((_, i) => i);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}
const smallHeader: JsonObject = {
  __metadata__: { format: "pt" },
  a: { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] },
  b: { dtype: "BF16", shape: [4], data_offsets: [24, 32] },
  c: { dtype: "F16", shape: [2, 1], data_offsets: [32, 36] },
};

const mistral = parseModelConfig(jsonOf("mistral/config.json"));
const adapterJson = jsonOf("trl_lora_run/initial_adapter/adapter_config.json");
const adapterBytes = bytesOf("trl_lora_run/initial_adapter/adapter_model.safetensors");
const adapterTensors = parseHeader(adapterBytes, adapterBytes.length).tensors;
const adapterShapes: JsonObject = Object.fromEntries([...adapterTensors].map(([name, { shape }]) => [name, shape]));
const tokenizerJson = jsonOf("mistral/tokenizer.json");
const tokenizerConfig = jsonOf("mistral/tokenizer_config.json");
const template = readFileSync(fixture("mistral/chat_template.jinja"), "utf8");
const state = strictJson(
  trainerStateJson({
    globalStep: 3,
    maxSteps: 9,
    numTrainEpochs: 1,
    epoch: 0.3,
    numTokens: 10,
    seed: 1,
    dataPosition: { epoch: 0, microBatch: 6 },
    rngState: { dropout: { offset: 7 } },
    hyperparameters: { learning_rate: 1e-5 },
  }),
);

async function readTensors(bytes: Uint8Array): Promise<void> {
  await using file = await safetensorsFromSources([blobSource(new Blob([Uint8Array.from(bytes)]))]);
  let total = 0;
  for (const [name, { dtype, shape }] of file.tensors) {
    const data = await file.read(name);
    total += data.length;
    if (isFloatDtype(dtype)) expect(toFloat32(data, dtype).length).toBe(shape.reduce((product, n) => product * n, 1));
  }
  expect(total).toBeLessThanOrEqual(bytes.length);
}

function readConfig(json: unknown): void {
  const config = parseModelConfig(json);
  const shapes = parameterShapes(config);
  expect(shapes.length).toBeLessThan(200_000);
  for (const { shape } of shapes.slice(0, 40)) for (const n of shape) expect(Number.isSafeInteger(n) && n > 0).toBe(true);
  if (config.headDim <= 4096) expect([...inverseFrequencies(config)].every(Number.isFinite)).toBe(true);
}

/** The vocabulary and its merges are most of the file; what stands around them is hit more often. */
function mutateTokenizer(draw: Draw): JsonValue {
  const { vocab, merges, ...model } = tokenizerJson["model"] as JsonObject;
  if (draw() < 0.2)
    return { ...tokenizerJson, model: { ...model, vocab: mutateJson(vocab!, draw), merges: mutateJson(merges!, draw) } };
  const json = mutateJson({ ...tokenizerJson, model }, draw);
  if (!isJsonObject(json) || !isJsonObject(json["model"]!)) return json;
  return { ...json, model: { ...json["model"], vocab: vocab!, merges: merges! } };
}

interface Reader {
  read(draw: Draw): unknown;
  /** Codes of its own errors. */
  codes: string[];
}

const READERS: Record<string, Reader> = {
  "safetensors, bytes": {
    read: (draw) => readTensors(mutateBytes(smallSafetensors(smallHeader, 36), draw)),
    codes: ["ERR_SAFETENSORS"],
  },
  "safetensors, a header that lies": {
    read: (draw) => readTensors(smallSafetensors(mutateJson(smallHeader, draw), 36)),
    codes: ["ERR_SAFETENSORS"],
  },
  "shard index": {
    read(draw) {
      const seed = strictJson(
        shardIndexJson([
          { file: "model-00001-of-00002.safetensors", tensors: [{ name: "a", dtype: "F32", shape: [2] }] },
          { file: "model-00002-of-00002.safetensors", tensors: [{ name: "b", dtype: "F32", shape: [2] }] },
        ]),
      );
      const bytes = draw() < 0.5 ? mutateBytes(encode(seed), draw) : encode(mutateJson(seed, draw));
      for (const file of parseShardIndex(bytes, "the index").files) expect(file).toMatch(/^[\w][\w.-]*$/);
    },
    codes: ["ERR_SAFETENSORS"],
  },
  ...Object.fromEntries(
    ["mistral", "llama", "qwen2", "qwen3"].map((model): [string, Reader] => [
      `config.json of ${model}`,
      {
        read(draw) {
          const json = jsonOf(`${model}/config.json`);
          readConfig(draw() < 0.3 ? strictJson(decode(mutateBytes(encode(json), draw))) : mutateJson(json, draw));
        },
        codes: ["ERR_MODEL_CONFIG", "ERR_JSON"],
      },
    ]),
  ),
  "adapter_config.json": {
    read(draw) {
      const config = parseAdapterConfig(mutateJson(adapterJson, draw));
      checkAdapter(config, mistral, adapterTensors);
    },
    codes: ["ERR_ADAPTER"],
  },
  "an adapter's tensors": {
    read(draw) {
      const shapes = (draw() < 0.1 ? adapterShapes : mutateJson(adapterShapes, draw)) as Record<string, number[]>;
      const lists = Object.entries(shapes ?? {}).filter(([, shape]) => Array.isArray(shape));
      checkAdapter(parseAdapterConfig(adapterJson), mistral, new Map(lists.map(([name, shape]) => [name, { shape }])));
    },
    codes: ["ERR_ADAPTER"],
  },
  "trainer_state.json": {
    async read(draw) {
      const bytes = draw() < 0.5 ? mutateBytes(encode(state), draw) : encode(mutateJson(state, draw));
      writeFileSync(join(folder, TRAINER_STATE_FILE), bytes);
      const { globalStep, dataPosition } = await readTrainerState(folder);
      for (const n of [globalStep, dataPosition.epoch, dataPosition.microBatch])
        expect(Number.isSafeInteger(n) && n >= 0).toBe(true);
    },
    codes: ["ERR_CHECKPOINT"],
  },
  "log_history.jsonl": {
    async read(draw) {
      const lines = [1, 2, 3].map((step) => JSON.stringify({ step, loss: step / 7, "rewards/margins": -0.5 })).join("\n");
      writeFileSync(join(folder, LOG_FILE), mutateBytes(new TextEncoder().encode(`${lines}\n`), draw));
      for (const { step } of await readLog(join(folder, LOG_FILE))) expect(step).toBeGreaterThanOrEqual(0);
    },
    codes: ["ERR_LOG"],
  },
};

describe("whatever is changed in a file, it is read or refused with its reader's own error", () => {
  it.each(Object.entries(READERS))("%s", async (name, { read, codes }) => {
    const refused: Record<string, number> = {};
    for (let round = 0; round < INPUTS; round++) {
      const draw = uniforms({ seed: SEED + round, stream: name });
      try {
        await read(draw);
      } catch (error) {
        const { code } = error as { code?: string };
        if (code === undefined || !codes.includes(code))
          throw new Error(`${name}: round ${round}, seed ${SEED}: ${error}`, { cause: error });
        refused[code] = (refused[code] ?? 0) + 1;
      }
    }
    // A fuzzer that is refused always, or never, tests nothing.
    const count = Object.values(refused).reduce((sum, n) => sum + n, 0);
    expect(count).toBeGreaterThan(INPUTS / 50);
    expect(count).toBeLessThan(INPUTS);
  });

  it("tokenizer.json, tokenizer_config.json and the chat template: read, or refused with an error that names them", {
    timeout: 600_000,
  }, () => {
    let refused = 0;
    for (let round = 0; round < INPUTS / 4; round++) {
      const draw = uniforms({ seed: SEED + round, stream: "tokenizer" });
      const which = draw();
      const json = (which < 0.5 ? mutateTokenizer(draw) : tokenizerJson) as object;
      const config = which >= 0.5 && which < 0.8 ? (mutateJson(tokenizerConfig, draw) as object) : tokenizerConfig;
      const jinja = which >= 0.8 ? decode(mutateBytes(new TextEncoder().encode(template), draw)) : template;
      try {
        const tokenizer = tokenizerFromJson(json, config, jinja);
        const text = tokenizer.applyChatTemplate([{ role: "user", content: "Why?" }], { addGenerationPrompt: true });
        for (const id of tokenizer.encode(text)) expect(Number.isSafeInteger(id) && id >= 0, `round ${round}`).toBe(true);
      } catch (error) {
        const message = (error as Error).message;
        expect(message, `round ${round}, seed ${SEED}: ${(error as Error).stack}`).toMatch(
          /^(tokenizerFromJson|loadTokenizer|applyChatTemplate|encode|decode): /,
        );
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(0);
  });
});
