import { uniforms } from "../random/random-stream.ts";

/** The two matrices of one adapted linear layer: its output is W x + scaling B A x. */
export interface LoraMatrices {
  /** [r, inputs]. */
  loraA: Float32Array<ArrayBuffer>;
  /** [outputs, r], zero at the start. */
  loraB: Float32Array<ArrayBuffer>;
}

/**
 * A fresh adapter for one linear layer, as PEFT draws it: A uniform in +-1 / sqrt(inputs), B zero, so that the model is unchanged.
 *
 * Hu et al. (arXiv 2106.09685), section 4.1; the bound is Kaiming's for a = sqrt(5), sqrt(6 / ((1 + 5) inputs)).
 *
 * @example initialLora("model.layers.0.mlp.up_proj", { inputs: 4096, outputs: 14336, r: 16 }, 0)
 */
export function initialLora(
  module: string,
  { inputs, outputs, r }: { inputs: number; outputs: number; r: number },
  seed: number,
): LoraMatrices {
  const next = uniforms({ seed, stream: `initial lora ${module}` });
  const bound = 1 / Math.sqrt(inputs);
  const loraA = Float32Array.from({ length: r * inputs }, () => (2 * next() - 1) * bound);
  return { loraA, loraB: new Float32Array(outputs * r) };
}
