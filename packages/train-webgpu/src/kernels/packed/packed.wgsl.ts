import { NF4_LEVELS } from "../../formats/nf4/nf4.ts";
import type { StorageFormat, Tensor } from "../../plan/tensor.ts";

/** How a kernel reads a matrix in one of the storage formats: its bindings and functions, and the expression of a read. */
export interface PackedLoads {
  declarations: string;
  load: (index: string) => string;
}

/** Where the matrix is bound, and where its scales are if it has any. */
export interface PackedBindings {
  name: string;
  binding: number;
  scalesBinding: number;
}

/** What a kernel must be given for a matrix, in the order of `PackedBindings`. */
export const packedScales = (tensor: Tensor): Tensor[] => (tensor.scales ? [tensor.scales] : []);

const storage = (binding: number, name: string, element: string): string =>
  `@group(0) @binding(${binding}) var<storage, read> ${name}: array<${element}>;`;

const nf4 = ({ name, scalesBinding }: PackedBindings): string => `${storage(scalesBinding, `${name}_scales`, "u32")}
const NF4 = array<f32, 16>(${NF4_LEVELS.map((level) => `${level}f`).join(", ")});`;

/** Reads of four neighbouring elements: `load(i)` is a vec4f of elements 4 i to 4 i + 3. */
export function packedFours(format: StorageFormat, at: PackedBindings): PackedLoads {
  const { name, binding } = at;
  const load = (index: string): string => (format === "f32" ? `${name}[${index}]` : `${name}_four(${index})`);
  if (format === "f32") return { declarations: storage(binding, name, "vec4f"), load };
  if (format === "nf4") {
    return {
      load,
      declarations: `${storage(binding, name, "u32")}
${nf4(at)}
fn ${name}_four(i: u32) -> vec4f {
  let codes = ${name}[i >> 1u] >> ((i & 1u) * 16u);
  let scale = unpack2x16float(${name}_scales[i >> 5u])[(i >> 4u) & 1u];
  return vec4f(NF4[codes & 15u], NF4[(codes >> 4u) & 15u], NF4[(codes >> 8u) & 15u], NF4[(codes >> 12u) & 15u]) * scale;
}`,
    };
  }
  const unpacked =
    format === "f16"
      ? "vec4f(unpack2x16float(words.x), unpack2x16float(words.y))"
      : "bitcast<vec4f>(vec4u(words.x << 16u, words.x & 0xffff0000u, words.y << 16u, words.y & 0xffff0000u))";
  return {
    load,
    declarations: `${storage(binding, name, "vec2u")}
fn ${name}_four(i: u32) -> vec4f {
  let words = ${name}[i];
  return ${unpacked};
}`,
  };
}

/** Reads of single elements: `load(i)` is an f32. */
export function packedOnes(format: StorageFormat, at: PackedBindings): PackedLoads {
  const { name, binding } = at;
  const load = (index: string): string => (format === "f32" ? `${name}[${index}]` : `${name}_one(${index})`);
  if (format === "f32") return { declarations: storage(binding, name, "f32"), load };
  if (format === "nf4") {
    return {
      load,
      declarations: `${storage(binding, name, "u32")}
${nf4(at)}
fn ${name}_one(i: u32) -> f32 {
  let code = (${name}[i >> 3u] >> ((i & 7u) * 4u)) & 15u;
  return NF4[code] * unpack2x16float(${name}_scales[i >> 7u])[(i >> 6u) & 1u];
}`,
    };
  }
  const unpacked =
    format === "f16" ? "unpack2x16float(word)[i & 1u]" : "bitcast<f32>(select(word << 16u, word & 0xffff0000u, (i & 1u) == 1u))";
  return {
    load,
    declarations: `${storage(binding, name, "u32")}
fn ${name}_one(i: u32) -> f32 {
  let word = ${name}[i >> 1u];
  return ${unpacked};
}`,
  };
}
