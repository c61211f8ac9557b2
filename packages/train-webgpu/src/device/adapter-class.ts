/**
 * Which family of kernels an adapter runs: `software` (a CPU pretending to be a GPU), `portable` (no usable subgroups),
 * `tile` (a GPU with subgroups of one known size).
 */
export type AdapterClass = "software" | "portable" | "tile";

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
