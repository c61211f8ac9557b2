import type { Kernel } from "../../plan/pipeline.ts";
import { type KernelTarget, withPrelude } from "../prelude/prelude.ts";

const range = (n: number): number[] => [...Array(n).keys()];
const lines = <T>(items: T[], line: (item: T) => string): string => items.map(line).join("\n");

/**
 * O = softmax(scale Q K^T, windowed) V for one query and head per subgroup, over that sequence's rows of the cache. For the scores a
 * lane holds a key, for the output columns of the head. q, o [T, H, D]; k, v [rows, K, D]; tiles [T] of (first row, own row of the cache,
 * its end, cache row - stream row). Dispatch: (tiles, heads).
 */
export function cachedAttentionKernel(target: KernelTarget, headDim: number): Kernel {
  const { lanes } = target;
  const columns = range(Math.ceil(headDim / lanes));
  const next = lanes > 1 ? "p = subgroupShuffleDown(p, 1u);" : "";
  return withPrelude(
    target,
    `cached attention D${headDim}`,
    `struct Params { tiles: u32, heads: u32, group: u32, window: u32, scale: f32 }
const D = ${headDim}u;
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<vec4f>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(4) var<storage, read> tiles: array<vec4u>;
@group(0) @binding(5) var<storage, read_write> o: array<f32>;
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let lane = local.x % LANES;
  let index = id.x * ROWS + local.x / LANES;
  if (index >= params.tiles) { return; }
  let tile = tiles[index];
  let start = tile.x;
  let own = tile.y;
  let stride = params.heads / params.group * D;
  let head = id.y / params.group * D;
  let q_at = ((own - tile.w) * params.heads + id.y) * D;
${lines(columns, (c) => `  let column${c} = min(${c * lanes}u + lane, D - 1u); var o${c} = 0f;`)}
  var m = -1e30f;
  var z = 0f;
  let first = own + 1u - start;
  let skipped = select(0u, (first - params.window) / LANES * LANES, first > params.window);
  for (var t = start + skipped; t <= own; t += LANES) {
    let key = t + lane;
    let k_at = (min(key, own) * stride + head) / 4u;
    var score = 0f;
    for (var e = 0u; e < D / 4u; e++) { score += dot(q[q_at / 4u + e], k[k_at + e]); }
    score = select(-1e30f, score * params.scale, key <= own && key + params.window > own);
    let larger = max(m, row_max(score));
    let shrink = exp(m - larger);
    m = larger;
    var p = exp(score - m);
    z = z * shrink + p;
    ${columns.map((c) => `o${c} *= shrink;`).join(" ")}
    for (var x = 0u; x < LANES; x++) {
      let v_at = min(t + x, own) * stride + head;
      let weight = ${lanes > 1 ? "subgroupBroadcast(p, 0u)" : "p"};
      ${columns.map((c) => `o${c} += weight * v[v_at + column${c}];`).join(" ")}
      ${next}
    }
  }
  let sum = row_sum(z);
${lines(columns, (c) => `  if (${c * lanes}u + lane < D) { o[q_at + column${c}] = o${c} / sum; }`)}
}
`,
  );
}
