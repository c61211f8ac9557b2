import type { Device } from "../device/request-device.ts";
import type { ModelConfig } from "../formats/model-config/model-config.ts";
import { checkParameters, type ParameterShape, parameterShapes } from "../formats/model-config/parameter-shapes.ts";
import { dtypeBits, elementCount } from "../formats/safetensors/dtype.ts";
import type { Safetensors } from "../formats/safetensors/read.ts";
import { initialWeights } from "../init/initial-weights.ts";
import { unpack } from "../kernels/unpack/unpack.ts";
import { createExecutor } from "../plan/executor.ts";
import { formatOf } from "../plan/slabs.ts";
import { createTape } from "../plan/tape.ts";
import { noSizes, type Tensor } from "../plan/tensor.ts";
import { allocate, settled, write } from "../plan/upload.ts";
import { allocatePacked, readPacked, storageFormat, type WeightDtype, writePacked } from "./packed-weights.ts";

/** The weights of a model on a device, by their Hugging Face names. */
export interface Weights extends Disposable {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly shapes: ReadonlyMap<string, number[]>;
}

/** Most bytes of a checkpoint that are on their way to the device at a time. */
const PIECE_BYTES = 16 * 2 ** 20;
const IN_FLIGHT_BYTES = 64 * 2 ** 20;

/**
 * Weights from a checkpoint, streamed in pieces, so that host memory does not grow with the model.
 * Throws where names or shapes are not those of the configuration.
 */
export async function loadWeights(
  device: Device,
  config: ModelConfig,
  file: Safetensors,
  dtype: WeightDtype = "f32",
): Promise<Weights> {
  checkParameters(config, file.tensors);
  let inFlight = 0;
  return fill(device, parameterShapes(config), dtype, async (tensor, { name }) => {
    const stored = file.tensors.get(name)!.dtype;
    const bits = dtypeBits(stored);
    let first = 0;
    for await (const bytes of file.readChunks(name, PIECE_BYTES)) {
      writePacked(device, tensor, bytes, stored, first);
      first += (bytes.length * 8) / bits;
      inFlight += bytes.length;
      if (inFlight < IN_FLIGHT_BYTES) continue;
      await settled(device);
      inFlight = 0;
    }
  });
}

/** Freshly drawn weights: normal with the configuration's standard deviation, norms 1, biases 0. */
export async function drawWeights(device: Device, config: ModelConfig, seed: number): Promise<Weights> {
  const drawn = initialWeights(config, seed);
  return fill(device, parameterShapes(config), "f32", async (tensor, { name }) => {
    const next = drawn.next();
    if (next.done || next.value.name !== name) throw new Error(`drawWeights: expected "${name}" next`);
    write(device, tensor, next.value.data);
  });
}

/** Room for the weights of a model; what they hold is not said. */
export function allocateWeights(device: Device, config: ModelConfig, dtype: WeightDtype): Weights {
  const shapes = parameterShapes(config);
  const tensors = shapes.map(({ name, shape }) => [name, allocateWeight(device, name, shape, dtype)] as const);
  return weightsOf(new Map(tensors), new Map(shapes.map(({ name, shape }) => [name, shape])));
}

function allocateWeight(device: Device, name: string, shape: number[], dtype: WeightDtype): Tensor {
  return allocatePacked(device, name, elementCount(shape)!, storageFormat(name, shape, dtype));
}

async function fill(
  device: Device,
  shapes: ParameterShape[],
  dtype: WeightDtype,
  data: (tensor: Tensor, shape: ParameterShape) => Promise<void>,
): Promise<Weights> {
  const tensors = new Map<string, Tensor>();
  const weights = weightsOf(tensors, new Map(shapes.map(({ name, shape }) => [name, shape])));
  try {
    for (const shape of shapes) {
      const tensor = allocateWeight(device, shape.name, shape.shape, dtype);
      tensors.set(shape.name, tensor);
      await data(tensor, shape);
    }
  } catch (error) {
    weights[Symbol.dispose]();
    throw error;
  }
  return weights;
}

export function weightsOf(tensors: ReadonlyMap<string, Tensor>, shapes: ReadonlyMap<string, number[]>): Weights {
  return {
    tensors,
    shapes,
    [Symbol.dispose]() {
      for (const tensor of tensors.values()) {
        tensor.place?.buffer.destroy();
        tensor.scales?.place?.buffer.destroy();
      }
    },
  };
}

/** The weights in float32, whatever they are stored as, in memory of their own. */
export async function unpackWeights(device: Device, weights: Weights): Promise<Weights> {
  const tensors = new Map<string, Tensor>();
  const tape = createTape();
  const encoder = device.gpu.createCommandEncoder();
  for (const [name, tensor] of weights.tensors) {
    const shape = weights.shapes.get(name)!;
    const copy = allocate(device, name, elementCount(shape)! * 4);
    tensors.set(name, copy);
    if (formatOf(tensor) !== "f32") unpack(tape, device, tensor, copy, shape[1]!);
    else encoder.copyBufferToBuffer(tensor.place!.buffer, tensor.place!.offset, copy.place!.buffer, 0, tensor.bytes);
  }
  device.gpu.queue.submit([encoder.finish()]);
  using executor = await createExecutor(device, { unpack: tape.dispatches });
  executor.run("unpack", noSizes);
  return weightsOf(tensors, weights.shapes);
}

/** The values of one weight, read back. */
export async function downloadWeight(device: Device, weights: Weights, name: string): Promise<Float32Array<ArrayBuffer>> {
  const tensor = weights.tensors.get(name);
  if (!tensor) throw new RangeError(`downloadWeight: the model has no weight "${name}"`);
  return readPacked(device, tensor, elementCount(weights.shapes.get(name)!)!);
}
