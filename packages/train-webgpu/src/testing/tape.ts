import type { Device } from "../device/request-device.ts";
import { createExecutor } from "../plan/executor.ts";
import { createTape, type Tape } from "../plan/tape.ts";
import { noSizes, type Sizes, type Tensor } from "../plan/tensor.ts";
import { allocate, type DeviceArray, read, write } from "../plan/upload.ts";

export { noSizes } from "../plan/tensor.ts";

/** A tensor holding `data`; with a gradient where `trainable`. */
export function tensor(device: Device, name: string, data: DeviceArray, trainable = false): Tensor {
  const gradient = trainable ? allocate(device, `d ${name}`, data.byteLength) : undefined;
  const created = allocate(device, name, data.byteLength, gradient);
  write(device, created, data);
  return created;
}

/** Records ops, backpropagates `outputGradient` from their output, runs all, and returns the output and the inputs' gradients. */
export async function runOps(
  device: Device,
  sizes: Partial<Sizes>,
  record: (tape: Tape) => Tensor,
  options: { outputLength: number; outputGradient?: Float32Array<ArrayBuffer>; inputs?: Tensor[] },
): Promise<{ output: Float32Array<ArrayBuffer>; gradients: Float32Array<ArrayBuffer>[] }> {
  const tape = createTape();
  const output = record(tape);
  const inputs = options.inputs ?? [];
  if (options.outputGradient) {
    tape.seedGradient(output, tensor(device, "d output", options.outputGradient));
    tape.backward();
  }
  using executor = await createExecutor(device, { all: tape.dispatches }, [output]);
  executor.run("all", { ...noSizes, ...sizes });
  const wanted = [
    { tensor: output, length: options.outputLength },
    ...inputs.map((t) => ({ tensor: t.gradient!, length: t.bytes / 4 })),
  ];
  const [result, ...gradients] = await read(device, wanted);
  return { output: result!, gradients };
}
