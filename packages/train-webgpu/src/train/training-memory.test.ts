import { collatePreferences, collateSequences, pipe, rowsOf, type TokenizedPreferenceRow } from "@zephyr/data";
import { dpo } from "@zephyr/losses";
import { describe, expect, it } from "vitest";
import type { Device } from "../device/request-device.ts";
import type { ModelConfig } from "../formats/model-config/model-config.ts";
import { parseModelConfig } from "../formats/model-config/parse-model-config.ts";
import { type LoadModelOptions, loadModel } from "../model/load-model.ts";
import { deviceOrSkip } from "../testing/device.ts";
import { MISTRAL_7B } from "../testing/mistral-7b.ts";
import { fixture, fixtureJson } from "../testing/reference.ts";
import { trainPreference } from "./train-preference.ts";
import { trainSft } from "./train-sft.ts";
import { adviseMemory, trainingMemory } from "./training-memory.ts";

/** The same device, counting the bytes of its buffers; `peak` is the most that were there at a time. */
function counting(device: Device): { device: Device; peak: () => number } {
  let [now, most] = [0, 0];
  const createBuffer = (descriptor: GPUBufferDescriptor): GPUBuffer => {
    const buffer = device.gpu.createBuffer(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    now += descriptor.size;
    most = Math.max(most, now);
    buffer.destroy = () => {
      now -= descriptor.size;
      destroy();
      return undefined;
    };
    return buffer;
  };
  const gpu = new Proxy(device.gpu, {
    get(target, name) {
      if (name === "createBuffer") return createBuffer;
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { device: { ...device, gpu }, peak: () => most };
}

const LENGTH = 48;
const ids = (seed: number, length: number): number[] => Array.from({ length }, (_, i) => (i * 37 + seed * 11) % 90);
const pair = (seed: number): TokenizedPreferenceRow => ({
  prompt_ids: ids(seed, 1),
  chosen_ids: ids(seed + 1, LENGTH - 1),
  rejected_ids: ids(seed + 2, LENGTH - 1),
  ref_chosen_logps: -1,
  ref_rejected_logps: -1,
});
const sequence = (seed: number) => ({
  input_ids: ids(seed, LENGTH),
  completion_mask: ids(0, LENGTH).map((_, i) => (i === 0 ? 0 : 1)),
});

async function config(name: string): Promise<ModelConfig> {
  return parseModelConfig(fixtureJson(`${name}/config.json`));
}

describe("the memory predicted for a run", () => {
  const cases: [string, LoadModelOptions, boolean][] = [
    ["mistral", {}, false],
    ["qwen2", {}, true],
    ["mistral", { lora: { r: 6, alpha: 6 }, dtype: "bf16" }, true],
    ["mistral", { lora: { r: 4, alpha: 4, targetModules: ["q_proj"], dropout: 0.1 }, dtype: "nf4" }, false],
  ];
  it.for(cases)(
    "is within 5%% of what %s with %j then allocates, checkpointing: %s",
    async ([name, load, checkpointing], context) => {
      const measured = counting(await deviceOrSkip(context));
      const { device } = measured;
      const shape = {
        batchSize: 3,
        maxLength: LENGTH,
        activationCheckpointing: checkpointing,
        ...(load.lora && { lora: load.lora }),
        ...(load.dtype && { dtype: load.dtype }),
      };
      const supervised = load.dtype === "nf4";
      const predicted = trainingMemory(await config(name), { ...shape, batch: supervised ? "sequences" : "pairs" }, device);
      using policy = await loadModel(device, fixture(name), load);
      const options = { policy, learningRate: 1e-3, activationCheckpointing: checkpointing };
      const run = supervised
        ? trainSft({
            ...options,
            batches: () => pipe(rowsOf([0, 1, 2].map(sequence)), collateSequences({ sequencesPerBatch: 3 })),
          })
        : trainPreference({
            ...options,
            batches: () => pipe(rowsOf([0, 1, 2].map(pair)), collatePreferences({ pairsPerBatch: 3 })),
            loss: dpo(),
            reference: "other",
          });
      for await (const { step } of run) expect(step).toBe(1);
      expect(Math.abs(predicted.total / measured.peak() - 1)).toBeLessThan(0.05);
    },
  );

  it("counts the halves of a run on matrix units, which a step needs beside its float32 activations", () => {
    const mistral = parseModelConfig(MISTRAL_7B);
    const shape = { batch: "pairs", batchSize: 1, maxLength: 1024, dtype: "bf16", lora: { r: 16 } } as const;
    const [full, half] = [trainingMemory(mistral, shape), trainingMemory(mistral, { ...shape, fp16: true })];
    // The MLP's matrices [14,336, 4,096], two bytes an entry; the head's are larger, but at a time when memory is free.
    expect(half.activations - full.activations).toBeGreaterThan(14_336 * 4096 * 2);
    expect(half.activations - full.activations).toBeLessThan(2 ** 30);
    expect(half.weights).toBe(full.weights);
  });

  it("of a 7B model: 16 bytes a parameter in full, below 0.6 for the base under QLoRA; and says what makes it fit", () => {
    const mistral = parseModelConfig(MISTRAL_7B);
    const shape = { batch: "pairs", batchSize: 2, maxLength: 1024, activationCheckpointing: true } as const;
    const full = trainingMemory(mistral, shape);
    expect(full.parameters).toBe(7_241_732_096);
    expect((full.weights + full.gradients + full.moments) / full.parameters).toBe(16);
    const qlora = trainingMemory(mistral, { ...shape, dtype: "nf4", lora: { r: 16 } });
    expect(qlora.weights / qlora.parameters).toBeLessThan(0.6);
    expect(qlora.trainedParameters).toBe(41_943_040);
    const gigabytes = (count: number): number => count * 2 ** 30;
    expect(adviseMemory(mistral, shape, gigabytes(24))?.change).toMatch(/^--lora-r 16 --dtype bf16/);
    expect(adviseMemory(mistral, shape, gigabytes(16))?.change).toMatch(/--dtype nf4/);
    expect(adviseMemory(mistral, shape, gigabytes(2))).toBeUndefined();
  });
});
