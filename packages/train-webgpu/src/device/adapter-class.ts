/**
 * Which family of kernels an adapter runs: `software` (a CPU pretending to be a GPU), `portable` (no usable subgroups),
 * `tile` (a GPU with subgroups of one known size), `matrix` (the same with matrix units for half floats; never chosen by itself).
 */
export type AdapterClass = "software" | "portable" | "tile" | "matrix";

/** The feature of Dawn's that matrix units need; it is experimental, so it has to be unlocked. */
export const MATRIX_FEATURE = "chromium-experimental-subgroup-matrix" as GPUFeatureName;

interface MatrixConfig {
  componentType: string;
  resultComponentType: string;
  M: number;
  N: number;
  K: number;
}

/** Whether an adapter multiplies 16 x 16 matrices of half floats into float32 in subgroups of 32. */
export function hasMatrixUnits(adapter: GPUAdapter, lanes: number): boolean {
  const { subgroupMatrixConfigs = [] } = adapter.info as { subgroupMatrixConfigs?: MatrixConfig[] };
  const fits = ({ componentType, resultComponentType, M, N, K }: MatrixConfig): boolean =>
    componentType === "f16" && resultComponentType === "f32" && M === 16 && N === 16 && K === 16;
  return lanes === 32 && adapter.features.has(MATRIX_FEATURE) && [...subgroupMatrixConfigs].some(fits);
}

/** The subgroup size, where the adapter has subgroups and only one size of them; else 1. */
export function fixedLanes(adapter: GPUAdapter): number {
  const { subgroupMinSize, subgroupMaxSize } = adapter.info;
  if (!adapter.features.has("subgroups") || subgroupMinSize !== subgroupMaxSize) return 1;
  return subgroupMinSize;
}

export function classifyAdapter(adapter: GPUAdapter, lanes: number): AdapterClass {
  const { isFallbackAdapter, description, architecture } = adapter.info;
  if (isFallbackAdapter || /llvmpipe|lavapipe|swiftshader/i.test(`${description} ${architecture}`)) return "software";
  return lanes > 1 ? "tile" : "portable";
}
