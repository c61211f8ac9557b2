import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { toFloat32 } from "../formats/safetensors/convert.ts";
import { openSafetensors } from "../formats/safetensors/read.ts";

/** Path of a file or folder of this package's fixtures: results of transformers, TRL and PEFT on tiny models. */
export const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));

export const fixtureJson = <T>(name: string): T => JSON.parse(readFileSync(fixture(name), "utf8")) as T;

/** All tensors of a safetensors fixture, as numbers. */
export async function fixtureTensors(name: string): Promise<Map<string, { shape: number[]; data: Float64Array }>> {
  await using file = await openSafetensors(fixture(name));
  const tensors = new Map<string, { shape: number[]; data: Float64Array }>();
  for (const [key, { dtype, shape }] of file.tensors) {
    const bytes = await file.read(key);
    const copy = bytes.slice().buffer;
    const data = dtype === "I32" ? Float64Array.from(new Int32Array(copy)) : Float64Array.from(toFloat32(bytes, dtype));
    tensors.set(key, { shape, data });
  }
  return tensors;
}
