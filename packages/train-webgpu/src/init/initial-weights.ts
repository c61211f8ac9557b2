import type { ModelConfig } from "../formats/model-config/model-config.ts";
import { parameterShapes } from "../formats/model-config/parameter-shapes.ts";
import { normals } from "../random/random-stream.ts";

/** A weight by its Hugging Face name, row by row. */
export interface NamedWeights {
  name: string;
  shape: number[];
  data: Float32Array<ArrayBuffer>;
}

/**
 * Fresh weights of a model, drawn as transformers does: matrices and embeddings from the normal distribution with standard deviation
 * `std`, norms 1, biases 0, the embedding of the padding token 0.
 *
 * One tensor at a time, so that a model need not fit in memory; each depends on seed and name only.
 *
 * @example for (const { name, data } of initialWeights(config, 0)) upload(name, data);
 */
export function* initialWeights(
  config: ModelConfig,
  seed: number,
  std: number = config.initializerRange,
): Generator<NamedWeights> {
  for (const { name, shape } of parameterShapes(config)) {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    if (/norm\.weight$/.test(name)) data.fill(1);
    else if (name.endsWith(".weight")) fillNormal(data, seed, name, std);
    if (name === "model.embed_tokens.weight" && config.padTokenId !== undefined) {
      data.fill(0, config.padTokenId * config.hiddenSize, (config.padTokenId + 1) * config.hiddenSize);
    }
    yield { name, shape, data };
  }
}

function fillNormal(data: Float32Array, seed: number, name: string, std: number): void {
  const next = normals({ seed, stream: `initial ${name}` });
  for (let i = 0; i < data.length; i++) data[i] = std * next();
}
