import { dpo } from "@zephyr/losses";
import { describe, expect, it } from "vitest";
import { matchTargetModules } from "../formats/adapter/target-modules.ts";
import { parameterShapes } from "../formats/model-config/parameter-shapes.ts";
import { parseModelConfig } from "../formats/model-config/parse-model-config.ts";
import { allocateAdapter } from "../model/device-adapter.ts";
import { storageFormat } from "../model/packed-weights.ts";
import { createPolicy } from "../model/policy.ts";
import { weightsOf } from "../model/weights.ts";
import { createExecutor } from "../plan/executor.ts";
import { bytesOf, scaleBytesOf } from "../plan/slabs.ts";
import { noSizes, type Tensor } from "../plan/tensor.ts";
import { allocate } from "../plan/upload.ts";
import { MISTRAL_7B } from "../testing/mistral-7b.ts";
import { nullDevice } from "../testing/null-device.ts";
import { recordOptimizer } from "./optimizer.ts";
import { recordTraining } from "./record-training.ts";
import { createTrainables } from "./trainables.ts";

const mistral7b = parseModelConfig(MISTRAL_7B);

describe("a DPO step of Mistral-7B's shape", () => {
  it("under QLoRA is compiled, bound and encoded without a complaint of the validation", async () => {
    using device = await nullDevice(32);
    // Dawn's null backend has half a gibibyte: frozen weights, which are only read, lie over one another in one buffer of the largest's size.
    const frozen = allocate(device, "frozen weights", bytesOf("bf16", 32_000 * 4096));
    const place = frozen.place!;
    const shapes = parameterShapes(mistral7b);
    const tensors = shapes.map(({ name, shape }): [string, Tensor] => {
      const format = storageFormat(name, shape, "nf4");
      const count = shape.reduce((product, n) => product * n, 1);
      const scales = { name: `${name} scales`, bytes: scaleBytesOf(count), needsGradient: false, place };
      return [
        name,
        { name, bytes: bytesOf(format, count), needsGradient: false, format, place, ...(format === "nf4" && { scales }) },
      ];
    });
    const targetModules = ["q_proj", "v_proj", "down_proj"];
    const policy = createPolicy({
      device,
      config: mistral7b,
      weights: weightsOf(new Map(tensors), new Map(shapes.map(({ name, shape }) => [name, shape]))),
      adapter: {
        config: { r: 4, loraAlpha: 4, loraDropout: 0, useRslora: false, targetModules, baseModel: undefined, raw: {} },
        weights: allocateAdapter(device, matchTargetModules(mistral7b, targetModules), 4),
      },
    });
    using trainables = createTrainables(policy);
    const capacity = { tokens: 64, sequences: 4, labelled: 64 };
    using recording = recordTraining({ policy, trainables, capacity, checkpointing: true, loss: dpo() });
    const optimizer = recordOptimizer(device, trainables, {
      weightDecay: 0,
      adamBeta1: 0.9,
      adamBeta2: 0.999,
      adamEpsilon: 1e-8,
      maxGradNorm: 1,
    });
    for (const filter of ["validation", "out-of-memory", "internal"] as const) device.gpu.pushErrorScope(filter);
    const phases = { ...recording.phases, optimizer: optimizer.dispatches };
    using executor = await createExecutor(device, phases, [recording.sums, recording.adjusted, optimizer.norm]);
    const batch = { tokens: 64, sequences: 4, labelled: 40, tiles: 8, distinctIds: 50, pairs: 2 };
    for (const phase of Object.keys(phases)) executor.run(phase, { ...noSizes, ...batch });
    for (let scope = 0; scope < 3; scope++) expect((await device.gpu.popErrorScope())?.message).toBeUndefined();
    const launches = Object.values(phases).flat();
    // Every projection of every layer: forward, forward again, and its backward; the embedding and the head in slabs of 128 MiB.
    expect(launches.length).toBeGreaterThan(32 * 60);
    const bound = launches.flatMap(({ tensors: all }) => all.map(({ bytes }) => bytes));
    expect(Math.max(...bound)).toBeLessThanOrEqual(device.maxBindingBytes);
    expect(bytesOf("bf16", 32_000 * 4096)).toBeGreaterThan(device.maxBindingBytes);
    expect(new Set(launches.map(({ kernel }) => kernel.wgsl)).size).toBeLessThanOrEqual(40);
  });
});
