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

/** Rows and columns of the square matrices of half floats that an adapter's subgroups multiply into float32, where they do. */
export function matrixUnitOf(adapter: GPUAdapter, lanes: number): 8 | 16 | undefined {
  if (lanes === 1 || !adapter.features.has(MATRIX_FEATURE)) return undefined;
  const { subgroupMatrixConfigs = [] } = adapter.info as { subgroupMatrixConfigs?: MatrixConfig[] };
  const fits =
    (unit: number) =>
    ({ componentType, resultComponentType, M, N, K }: MatrixConfig): boolean =>
      componentType === "f16" && resultComponentType === "f32" && M === unit && N === unit && K === unit;
  return ([16, 8] as const).find((unit) => [...subgroupMatrixConfigs].some(fits(unit)));
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
