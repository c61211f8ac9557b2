import type { Device } from "../device/request-device.ts";
import type { ModelConfig } from "../formats/model-config/model-config.ts";
import { checkParameters, type ParameterShape, parameterShapes } from "../formats/model-config/parameter-shapes.ts";
import { toFloat32 } from "../formats/safetensors/convert.ts";
import type { Safetensors } from "../formats/safetensors/read.ts";
import { initialWeights } from "../init/initial-weights.ts";
import type { Tensor } from "../plan/tensor.ts";
import { allocate, read, write } from "../plan/upload.ts";

/** The weights of a model on a device, by their Hugging Face names. */
export interface Weights extends Disposable {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly shapes: ReadonlyMap<string, number[]>;
}

/** Weights from a checkpoint, streamed tensor by tensor. Throws where names or shapes are not those of the configuration. */
export async function loadWeights(device: Device, config: ModelConfig, file: Safetensors): Promise<Weights> {
  checkParameters(config, file.tensors);
  return fill(device, parameterShapes(config), async ({ name }) => {
    return toFloat32(await file.read(name), file.tensors.get(name)!.dtype);
  });
}

/** Freshly drawn weights: normal with the configuration's standard deviation, norms 1, biases 0. */
export async function drawWeights(device: Device, config: ModelConfig, seed: number): Promise<Weights> {
  const drawn = initialWeights(config, seed);
  return fill(device, parameterShapes(config), async ({ name }) => {
    const next = drawn.next();
    if (next.done || next.value.name !== name) throw new Error(`drawWeights: expected "${name}" next`);
    return next.value.data;
  });
}

async function fill(
  device: Device,
  shapes: ParameterShape[],
  data: (shape: ParameterShape) => Promise<Float32Array<ArrayBuffer>>,
): Promise<Weights> {
  const tensors = new Map<string, Tensor>();
  for (const shape of shapes) {
    const values = await data(shape);
    const tensor = allocate(device, shape.name, values.byteLength);
    write(device, tensor, values);
    tensors.set(shape.name, tensor);
  }
  return weightsOf(tensors, new Map(shapes.map(({ name, shape }) => [name, shape])));
}

export function weightsOf(tensors: ReadonlyMap<string, Tensor>, shapes: ReadonlyMap<string, number[]>): Weights {
  return {
    tensors,
    shapes,
    [Symbol.dispose]() {
      for (const tensor of tensors.values()) tensor.place?.buffer.destroy();
    },
  };
}

/** A copy on the same device, e.g. the frozen reference. */
export function copyWeights(device: Device, weights: Weights): Weights {
  const encoder = device.gpu.createCommandEncoder();
  const tensors = new Map<string, Tensor>();
  for (const [name, tensor] of weights.tensors) {
    const copy = allocate(device, name, tensor.bytes);
    encoder.copyBufferToBuffer(tensor.place!.buffer, tensor.place!.offset, copy.place!.buffer, 0, tensor.bytes);
    tensors.set(name, copy);
  }
  device.gpu.queue.submit([encoder.finish()]);
  return weightsOf(tensors, weights.shapes);
}

/** The values of one weight, read back. */
export async function downloadWeight(device: Device, weights: Weights, name: string): Promise<Float32Array<ArrayBuffer>> {
  const tensor = weights.tensors.get(name);
  if (!tensor) throw new RangeError(`downloadWeight: the model has no weight "${name}"`);
  const [values] = await read(device, [{ tensor, length: tensor.bytes / 4 }]);
  return values!;
}
