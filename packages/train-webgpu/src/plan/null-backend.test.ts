import { readdirSync, readFileSync } from "node:fs";
import { pairedLosses } from "@zephyr/losses";
import { describe, expect, it } from "vitest";
import type { Device } from "../device/request-device.ts";
import { adamw } from "../kernels/adamw/adamw.ts";
import { attention } from "../kernels/attention/attention.ts";
import { addBias } from "../kernels/bias/bias.ts";
import { cachedAttention } from "../kernels/cached-attention/cached-attention.ts";
import { embedding } from "../kernels/embedding/embedding.ts";
import { globalNorm } from "../kernels/global-norm/global-norm.ts";
import { halvesByColumnsKernel } from "../kernels/halves/by-columns.wgsl.ts";
import { halvesByRowsKernel } from "../kernels/halves/by-rows.wgsl.ts";
import { gatherLabelled, linearLogps } from "../kernels/linear-logps/linear-logps.ts";
import { linear } from "../kernels/matmul/matmul.ts";
import { matrixKernel } from "../kernels/matmul/matrix.wgsl.ts";
import { pairWeights, preferenceLoss } from "../kernels/preference-loss/preference-loss.ts";
import { rmsNorm } from "../kernels/rms-norm/rms-norm.ts";
import { recordRoof } from "../kernels/roof/roof.ts";
import { rope } from "../kernels/rope/rope.ts";
import { sequenceSums } from "../kernels/sequence-sums/sequence-sums.ts";
import { swiglu } from "../kernels/swiglu/swiglu.ts";
import { unpack } from "../kernels/unpack/unpack.ts";
import { nullDevice } from "../testing/null-device.ts";
import { noSizes } from "../testing/tape.ts";
import { compile } from "./pipeline.ts";
import { createTape, type Tape } from "./tape.ts";
import type { Tensor } from "./tensor.ts";

const t = (name: string, trainable = false): Tensor => {
  const plain = { name, bytes: 1024, needsGradient: false };
  return trainable ? { ...plain, needsGradient: true, gradient: { ...plain, name: `d ${name}` } } : plain;
};

function attentionBlocks(tape: Tape, device: Device, headDim: number): void {
  const shape = { heads: 4, keyValueHeads: 2, headDim, maxTokens: 8 };
  const [q, k, v, tiles] = [t("q", true), t("k", true), t("v", true), t("tiles")];
  tape.seedGradient(attention(tape, device, q, k, v, tiles, shape), t("do"));
  cachedAttention(tape, device, q, k, v, tiles, { keys: t("keys"), values: t("values"), rows: t("rows") }, shape);
}

/** Records each op of the engine, forward and backward. */
function everyOp(tape: Tape, device: Device): void {
  const rows = () => 8;
  const rowShape = { rows, maxRows: 8, width: 8, eps: 1e-5 };
  const dropout = { width: 8, probability: 0.1, seed: 1, stream: 0 };
  const lowRank = { a: t("a", true), b: t("b", true), rank: 4, scale: () => 1, dropout };
  const linearShape = { rows, maxRows: 8, inputs: 8, outputs: 8, residual: t("residual"), lowRank };
  const inputs = { ids: t("ids"), distinctIds: t("distinct"), distinctOffsets: t("offsets"), orderById: t("order") };
  const labels = {
    rows: t("rows"),
    targets: t("targets"),
    rowOfToken: t("row of token"),
    sequenceOfRow: t("sequence of row"),
    rowWeights: t("row weights"),
    logCollision: t("log collision"),
    sequenceGradient: t("sequence gradient"),
  };
  const head = { width: 8, vocabulary: 8, maxTokens: 8, maxLabelled: 8, chunkBytes: 128 };
  const packed = (["bf16", "f16", "nf4"] as const).map((format): Tensor => {
    return { ...t(format), format, ...(format === "nf4" && { scales: t("scales") }) };
  });
  const ofPacked = packed.flatMap((weight) => {
    unpack(tape, device, weight, { ...t("unpacked"), bytes: 2048, place: { buffer: {} as GPUBuffer, offset: 0 } }, 8);
    return [
      embedding(tape, device, inputs, weight, 8, 8),
      linear(tape, device, t("x", true), weight, linearShape),
      linear(tape, device, t("x", true), weight, { rows, maxRows: 8, inputs: 8, outputs: 8 }),
    ];
  });
  const seeded = [
    ...ofPacked,
    embedding(tape, device, inputs, t("table", true), 8, 8),
    rmsNorm(tape, device, t("x", true), t("norm", true), rowShape),
    linear(tape, device, t("x", true), t("w", true), linearShape),
    linear(tape, device, t("x", true), t("w", true), { rows, maxRows: 8, inputs: 8, outputs: 8 }),
    swiglu(tape, device, t("gate", true), t("up", true), 8),
  ];
  const turned = t("turned", true);
  rope(tape, device, turned, t("positions"), t("angles"), { heads: 2, headDim: 4 });
  const biased = t("biased", true);
  addBias(tape, device, biased, t("bias", true), rows, 8);
  for (const output of [...seeded, turned, biased]) tape.seedGradient(output, t("dy"));
  const gathered = gatherLabelled(tape, device, t("hidden", true), labels, head);
  const rowStats = linearLogps(tape, device, gathered, t("head", true), labels, head);
  sequenceSums(tape, device, {
    rowOffsets: t("offsets"),
    rowStats,
    rowWeights: t("weights"),
    logCollision: t("log collision"),
    maxSequences: 4,
  });
  pairWeights(tape, { adjusted: t("adjusted"), lengths: t("lengths"), pairWeights: t("pair weights") });
  recordRoof(tape, device, t("x"), t("y"));
  const norm = globalNorm(tape, device, [t("g"), t("g")], 1);
  const moments = { parameter: t("p"), gradient: t("g"), firstMoment: t("m"), secondMoment: t("v") };
  adamw(tape, device, moments, norm, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 });
  for (const headDim of [64, 80, 128]) attentionBlocks(tape, device, headDim);
}

function everyLoss(tape: Tape): void {
  const tensors = {
    sums: t("sums"),
    referenceLogps: t("reference"),
    lengths: t("lengths"),
    pairWeights: t("weights"),
    options: t("options"),
    sequenceGradient: t("gradient"),
    pairResults: t("results"),
  };
  for (const loss of Object.values(pairedLosses)) preferenceLoss(tape, loss(), tensors, 4);
}

const shaderFiles = (folder: URL, otherPrelude: string): URL[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return shaderFiles(new URL(`${entry.name}/`, folder), otherPrelude);
    return entry.name.endsWith(".wgsl") && entry.name !== otherPrelude ? [new URL(entry.name, folder)] : [];
  });

describe("every kernel", () => {
  for (const lanes of [1, 4, 8, 32, 64]) {
    it(`compiles for ${lanes} ${lanes === 1 ? "lane" : "lanes"}, with no shader file left out`, async () => {
      using device = await nullDevice(lanes);
      const tape = createTape();
      everyOp(tape, device);
      everyLoss(tape);
      tape.backward();
      for (const { kernel, tensors, params } of tape.dispatches) {
        const { access, fields } = await compile(device, kernel);
        expect(tensors.length, `bindings of ${kernel.name}`).toBe(access.length);
        expect(Object.keys(params(noSizes)), `parameters of ${kernel.name}`).toEqual(
          expect.arrayContaining(fields.map(({ name }) => name)),
        );
      }
      const texts = tape.dispatches.map(({ kernel }) => kernel.wgsl);
      const otherPrelude = lanes === 1 ? "subgroups.wgsl" : "portable.wgsl";
      const missing = shaderFiles(new URL("../kernels/", import.meta.url), otherPrelude).filter((file) => {
        const source = readFileSync(file, "utf8");
        return !texts.some((text) => text.includes(source));
      });
      expect(missing.map(({ pathname }) => pathname)).toEqual([]);
    });
  }

  for (const [unit, lanes] of [
    [8, 32],
    [16, 32],
    [16, 64],
  ] as const) {
    it(`compiles for matrix units of ${unit} and ${lanes} lanes, with what rounds its operands`, async () => {
      using device = await nullDevice(lanes, "matrix");
      for (const residual of [false, true]) {
        const { access } = await compile(device, matrixKernel(unit, lanes, residual));
        expect(access.length).toBe(5 + (residual ? 1 : 0));
      }
      for (const format of ["f32", "bf16", "f16", "nf4"] as const) {
        for (const kernel of [halvesByRowsKernel, halvesByColumnsKernel]) {
          const { access } = await compile(device, kernel(device, unit, format));
          expect(access.length).toBe(3 + (format === "nf4" ? 1 : 0));
        }
      }
    });
  }

  it("is refused by the null backend where it is not valid WGSL, or asks for more than a device has", async () => {
    using device = await nullDevice(32);
    const shader = (body: string) => `struct Params { a: u32 }\n${body}`;
    const broken = shader("@compute @workgroup_size(32) fn main() { let x: u32 = 1f; }");
    await expect(compile(device, { name: "broken", wgsl: broken })).rejects.toThrow('kernel "broken" is not valid WGSL');
    const wide = shader("@compute @workgroup_size(100000) fn main() {}");
    await expect(compile(device, { name: "wide", wgsl: wide })).rejects.toThrow();
  });
});
