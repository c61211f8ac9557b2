import type { Device } from "../device/request-device.ts";
import { dequantizeNf4, NF4_BLOCK, quantizeNf4 } from "../formats/nf4/nf4.ts";
import { fromFloat32, toFloat32 } from "../formats/safetensors/convert.ts";
import type { Dtype } from "../formats/safetensors/dtype.ts";
import { bytesOf, formatOf, scaleBytesOf } from "../plan/slabs.ts";
import type { StorageFormat, Tensor } from "../plan/tensor.ts";
import { allocate, read, write } from "../plan/upload.ts";

/**
 * How the matrices of a base model are kept: "f32"; "bf16", 2 bytes a parameter; "nf4", 0.53 bytes a parameter of the layers' linear
 * weights, bfloat16 for the embedding and the head, as QLoRA keeps them (Dettmers et al. 2023). Norms and biases are float32.
 */
export type WeightDtype = "f32" | "bf16" | "nf4";

/** Pieces of a tensor begin at multiples of this, so that codes and scales of NF4 fill whole words. */
export const PIECE_ELEMENTS = 2 * NF4_BLOCK;

/** The storage format of a weight. Throws where NF4 cannot hold its rows. */
export function storageFormat(name: string, shape: readonly number[], dtype: WeightDtype): StorageFormat {
  if (shape.length === 1 || dtype === "f32") return "f32";
  if (dtype === "bf16" || !name.startsWith("model.layers.")) return "bf16";
  if (shape[1]! % 8 === 0) return "nf4";
  throw new RangeError(`loadModel: "${name}" has rows of ${shape[1]} elements; dtype nf4 needs a multiple of 8, use bf16`);
}

/** A tensor for `elements` in a storage format, with its scales. */
export function allocatePacked(device: Device, name: string, elements: number, format: StorageFormat): Tensor {
  const tensor = allocate(device, name, bytesOf(format, elements));
  if (format === "f32") return tensor;
  const scales = format === "nf4" ? { scales: allocate(device, `${name} scales`, scaleBytesOf(elements)) } : {};
  return { ...tensor, format, ...scales };
}

/** Writes little-endian elements of a checkpoint into a tensor, from element `first` (a multiple of `PIECE_ELEMENTS`). */
export function writePacked(device: Device, tensor: Tensor, bytes: Uint8Array<ArrayBuffer>, dtype: Dtype, first: number): void {
  const format = formatOf(tensor);
  if (format === "nf4") {
    const { codes, scales } = quantizeNf4(toFloat32(bytes, dtype));
    write(device, tensor, codes, bytesOf("nf4", first));
    write(device, tensor.scales!, words(new Uint8Array(scales.buffer)), (first / NF4_BLOCK) * 2);
  } else if (format === "bf16" && dtype === "BF16") {
    write(device, tensor, words(bytes), first * 2);
  } else if (format === "bf16") {
    write(device, tensor, words(fromFloat32(toFloat32(bytes, dtype), "BF16")), first * 2);
  } else write(device, tensor, toFloat32(bytes, dtype), first * 4);
}

/** The elements of a tensor in float32, read back. */
export async function readPacked(device: Device, tensor: Tensor, elements: number): Promise<Float32Array<ArrayBuffer>> {
  const format = formatOf(tensor);
  const wanted = [tensor, ...(tensor.scales ? [tensor.scales] : [])].map((t) => ({ tensor: t, length: t.bytes / 4 }));
  const [values, scales] = await read(device, wanted);
  if (format === "nf4") {
    const nf4 = { codes: new Uint32Array(values!.buffer), scales: new Uint16Array(scales!.buffer) };
    return dequantizeNf4(nf4, elements);
  }
  return format === "bf16" ? toFloat32(new Uint8Array(values!.buffer, 0, elements * 2), "BF16") : values!;
}

/** Bytes as words, the last filled up with zeros. */
function words(bytes: Uint8Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  if (bytes.byteOffset % 4 === 0 && bytes.length % 4 === 0)
    return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const whole = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  whole.set(bytes);
  return new Uint32Array(whole.buffer);
}
