import type { Kernel } from "../../plan/pipeline.ts";
import { type KernelTarget, withPrelude } from "../prelude/prelude.ts";

/** Rows of a tile of queries or keys; tiles never cross a sequence and start at multiples of this inside it. */
export const TILE_ROWS = 8;

const range = (n: number): number[] => [...Array(n).keys()];
const lines = <T>(items: T[], line: (item: T) => string): string => items.map(line).join("\n");

/** Columns of a head that each lane accumulates, and rows a subgroup takes so that the accumulators stay in registers. */
function blocking({ lanes }: KernelTarget, headDim: number, accumulators: number): { rows: number; columns: number } {
  const columns = Math.ceil(headDim / lanes);
  let rows = TILE_ROWS;
  while (rows > 1 && rows * columns * accumulators > 64) rows /= 2;
  return { rows, columns };
}

/** Sub-tiles into which a kernel cuts each tile. */
export function split(target: KernelTarget, headDim: number, kernel: "forward" | "query-gradient" | "key-gradient"): number {
  return TILE_ROWS / blocking(target, headDim, kernel === "key-gradient" ? 2 : 1).rows;
}

const header = (headDim: number, rows: number, bindings: string): string => `
struct Params { tiles: u32, heads: u32, group: u32, window: u32, scale: f32 }
const D4 = ${headDim / 4}u;
@group(0) @binding(0) var<uniform> params: Params;
${bindings}
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let lane = local.x % LANES;
  let part = id.x * ROWS + local.x / LANES;
  if (part >= params.tiles * ${TILE_ROWS / rows}u) { return; }
  let tile = tiles[part / ${TILE_ROWS / rows}u];
  let start = tile.x;
  let end = tile.z;
  let row0 = tile.y + (part % ${TILE_ROWS / rows}u) * ${rows}u;
  if (row0 >= end) { return; }
`;

/** Value of lane `index` of a subgroup, or the own value where there are no subgroups. */
const fromLane = ({ lanes }: KernelTarget, name: string, index: number): string =>
  lanes === 1 ? name : `subgroupBroadcast(${name}, ${index}u)`;

/** Row `i` of a tile whose rows the lanes hold (several registers where there are more rows than lanes). */
const tileRow = (target: KernelTarget, name: string, i: number): string =>
  fromLane(target, `${name}${Math.floor(i / target.lanes)}`, i % target.lanes);

const heldRow = ({ lanes }: KernelTarget, rows: number, q: number): string =>
  lanes === 1 ? `row0 + ${q}u` : rows < lanes ? `row0 + lane % ${rows}u` : `row0 + ${q * lanes}u + lane`;

/**
 * O = softmax(scale Q K^T, causal, windowed) V by blocks of keys with a running maximum, and L = log-sum-exp of each row's scores
 * (Dao et al. 2022, algorithm 1). q, o [T, H, D]; k, v [T, K, D]; lse [T, H]. One tile of query rows and one head per subgroup:
 * for the scores a lane holds a key, for the output columns of the head. Keys are visited from the sequence's start in its own
 * blocks, so a row's bits do not depend on where the sequence lies. Dispatch: (tiles, heads).
 */
export function attentionForward(target: KernelTarget, headDim: number): Kernel {
  const { lanes } = target;
  const { rows, columns } = blocking(target, headDim, 1);
  const held = range(Math.ceil(rows / lanes));
  return withPrelude(
    target,
    `attention forward D${headDim}`,
    `${header(
      headDim,
      rows,
      `@group(0) @binding(1) var<storage, read> q: array<vec4f>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> v: array<vec4f>;
@group(0) @binding(4) var<storage, read> tiles: array<vec4u>;
@group(0) @binding(5) var<storage, read_write> o: array<f32>;
@group(0) @binding(6) var<storage, read_write> lse: array<f32>;`,
    )}
  let q_stride = params.heads * D4;
  let kv_stride = q_stride / params.group;
  let q_head = id.y * D4;
  let kv_head = id.y / params.group * D4;
${lines(held, (h) => `  let q${h}_at = min(${heldRow(target, rows, h)}, end - 1u) * q_stride + q_head;`)}
${lines(range(columns), (c) => `  let column${c} = min(${c * lanes}u + lane, ${headDim - 1}u);`)}
${lines(range(rows), (i) => `  var m${i} = -1e30f; var z${i} = 0f; ${range(columns).map((c) => `var o${i}_${c} = 0f;`).join(" ")}`)}
  let first = row0 + 1u - start;
  let skipped = select(0u, (first - params.window) / LANES * LANES, first > params.window);
  for (var t = start + skipped; t < min(row0 + ${rows}u, end); t += LANES) {
    let key = t + lane;
    let k_at = min(key, end - 1u) * kv_stride + kv_head;
${lines(range(rows), (i) => `    var s${i} = 0f;`)}
    for (var e = 0u; e < D4; e++) {
      let key_part = k[k_at + e];
${lines(held, (h) => `      let q${h} = q[q${h}_at + e];`)}
${lines(range(rows), (i) => `      s${i} += dot(${tileRow(target, "q", i)}, key_part);`)}
    }
${lines(
  range(rows),
  (i) => `    {
      let visible = key <= row0 + ${i}u && key + params.window > row0 + ${i}u;
      let score = select(-1e30f, s${i} * params.scale, visible);
      let m = max(m${i}, row_max(score));
      let shrink = exp(m${i} - m);
      m${i} = m;
      s${i} = exp(score - m);
      z${i} = z${i} * shrink + s${i};
      ${range(columns).map((c) => `o${i}_${c} *= shrink;`).join(" ")}
    }`,
)}
${lines(
  range(lanes),
  (x) => `    {
      let v_at = min(t + ${x}u, end - 1u) * kv_stride + kv_head;
      ${range(columns).map((c) => `let v${c} = v[v_at + column${c} / 4u][column${c} % 4u];`).join(" ")}
${lines(range(rows), (i) => `      { let p = ${fromLane(target, `s${i}`, x)}; ${range(columns).map((c) => `o${i}_${c} += p * v${c};`).join(" ")} }`)}
    }`,
)}
  }
${lines(
  range(rows),
  (i) => `  {
    let z = row_sum(z${i});
    let row = row0 + ${i}u;
    if (row < end) {
      ${range(columns).map((c) => `if (${c * lanes}u + lane < ${headDim}u) { o[(row * q_stride + q_head) * 4u + column${c}] = o${i}_${c} / z; }`).join("\n      ")}
      if (lane == 0u) { lse[row * params.heads + id.y] = m${i} + log(z); }
    }
  }`,
)}
}
`,
  );
}

/**
 * dQ = scale dS K with P = exp(scale Q K^T - L), dS = P (dO V^T - delta)      (Dao et al. 2022, algorithm 4, for the queries' side).
 * stats [T, H] holds (L, delta = sum_d dO O). One tile of query rows and one head per subgroup. Dispatch: (tiles, heads).
 */
export function attentionQueryGradient(target: KernelTarget, headDim: number): Kernel {
  const { lanes } = target;
  const { rows, columns } = blocking(target, headDim, 1);
  const held = range(Math.ceil(rows / lanes));
  return withPrelude(
    target,
    `attention query gradient D${headDim}`,
    `${header(
      headDim,
      rows,
      `@group(0) @binding(1) var<storage, read> q: array<vec4f>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> v: array<vec4f>;
@group(0) @binding(4) var<storage, read> d_o: array<vec4f>;
@group(0) @binding(5) var<storage, read> stats: array<vec2f>;
@group(0) @binding(6) var<storage, read> tiles: array<vec4u>;
@group(0) @binding(7) var<storage, read_write> dq: array<f32>;`,
    )}
  let q_stride = params.heads * D4;
  let kv_stride = q_stride / params.group;
  let q_head = id.y * D4;
  let kv_head = id.y / params.group * D4;
${lines(held, (h) => `  let q${h}_at = min(${heldRow(target, rows, h)}, end - 1u) * q_stride + q_head;`)}
${lines(range(columns), (c) => `  let column${c} = min(${c * lanes}u + lane, ${headDim - 1}u);`)}
${lines(range(rows), (i) => `  let stats${i} = stats[min(row0 + ${i}u, end - 1u) * params.heads + id.y]; ${range(columns).map((c) => `var dq${i}_${c} = 0f;`).join(" ")}`)}
  let first = row0 + 1u - start;
  let skipped = select(0u, (first - params.window) / LANES * LANES, first > params.window);
  for (var t = start + skipped; t < min(row0 + ${rows}u, end); t += LANES) {
    let key = t + lane;
    let k_at = min(key, end - 1u) * kv_stride + kv_head;
${lines(range(rows), (i) => `    var s${i} = 0f; var dp${i} = 0f;`)}
    for (var e = 0u; e < D4; e++) {
      let key_part = k[k_at + e];
      let value_part = v[k_at + e];
${lines(held, (h) => `      let q${h} = q[q${h}_at + e]; let g${h} = d_o[q${h}_at + e];`)}
${lines(range(rows), (i) => `      s${i} += dot(${tileRow(target, "q", i)}, key_part); dp${i} += dot(${tileRow(target, "g", i)}, value_part);`)}
    }
${lines(
  range(rows),
  (i) => `    {
      let visible = key <= row0 + ${i}u && key + params.window > row0 + ${i}u;
      let p = select(0f, exp(min(s${i} * params.scale - stats${i}.x, 0f)), visible);
      s${i} = p * (dp${i} - stats${i}.y) * params.scale;
    }`,
)}
${lines(
  range(lanes),
  (x) => `    {
      let row_at = min(t + ${x}u, end - 1u) * kv_stride + kv_head;
      ${range(columns).map((c) => `let k${c} = k[row_at + column${c} / 4u][column${c} % 4u];`).join(" ")}
${lines(range(rows), (i) => `      { let ds = ${fromLane(target, `s${i}`, x)}; ${range(columns).map((c) => `dq${i}_${c} += ds * k${c};`).join(" ")} }`)}
    }`,
)}
  }
${lines(range(rows), (i) => `  if (row0 + ${i}u < end) {
    ${range(columns).map((c) => `if (${c * lanes}u + lane < ${headDim}u) { dq[((row0 + ${i}u) * q_stride + q_head) * 4u + column${c}] = dq${i}_${c}; }`).join("\n    ")}
  }`)}
}
`,
  );
}

/**
 * dV = P^T dO and dK = scale dS^T Q, the keys' side: one tile of keys and one key-value head per subgroup, over the query heads of
 * its group and the queries that see it; no atomics. For the scores a lane holds a query. Dispatch: (tiles, key-value heads).
 */
export function attentionKeyGradient(target: KernelTarget, headDim: number): Kernel {
  const { lanes } = target;
  const { rows, columns } = blocking(target, headDim, 2);
  const held = range(Math.ceil(rows / lanes));
  return withPrelude(
    target,
    `attention key gradient D${headDim}`,
    `${header(
      headDim,
      rows,
      `@group(0) @binding(1) var<storage, read> q: array<vec4f>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> v: array<vec4f>;
@group(0) @binding(4) var<storage, read> d_o: array<vec4f>;
@group(0) @binding(5) var<storage, read> stats: array<vec2f>;
@group(0) @binding(6) var<storage, read> tiles: array<vec4u>;
@group(0) @binding(7) var<storage, read_write> dk: array<f32>;
@group(0) @binding(8) var<storage, read_write> dv: array<f32>;`,
    )}
  let q_stride = params.heads * D4;
  let kv_stride = q_stride / params.group;
  let kv_head = id.y * D4;
${lines(held, (h) => `  let k${h}_at = min(${heldRow(target, rows, h)}, end - 1u) * kv_stride + kv_head;`)}
${lines(range(columns), (c) => `  let column${c} = min(${c * lanes}u + lane, ${headDim - 1}u);`)}
${lines(range(rows), (i) => `  ${range(columns).map((c) => `var dk${i}_${c} = 0f; var dv${i}_${c} = 0f;`).join(" ")}`)}
  let last = min(end, row0 + min(params.window, end) + ${rows - 1}u);
  for (var member = 0u; member < params.group; member++) {
    let head = id.y * params.group + member;
    for (var t = start + (row0 - start) / LANES * LANES; t < last; t += LANES) {
      let query = t + lane;
      let q_at = min(query, end - 1u) * q_stride + head * D4;
      let stat = stats[min(query, end - 1u) * params.heads + head];
${lines(range(rows), (i) => `      var s${i} = 0f; var dp${i} = 0f;`)}
      for (var e = 0u; e < D4; e++) {
        let query_part = q[q_at + e];
        let gradient_part = d_o[q_at + e];
${lines(held, (h) => `        let k${h} = k[k${h}_at + e]; let v${h} = v[k${h}_at + e];`)}
${lines(range(rows), (i) => `        s${i} += dot(${tileRow(target, "k", i)}, query_part); dp${i} += dot(${tileRow(target, "v", i)}, gradient_part);`)}
      }
${lines(
  range(rows),
  (i) => `      {
        let visible = query < end && row0 + ${i}u <= query && row0 + ${i}u + params.window > query;
        s${i} = select(0f, exp(min(s${i} * params.scale - stat.x, 0f)), visible);
        dp${i} = s${i} * (dp${i} - stat.y) * params.scale;
      }`,
)}
${lines(
  range(lanes),
  (x) => `      {
        let row_at = min(t + ${x}u, end - 1u) * q_stride + head * D4;
        ${range(columns).map((c) => `let q${c} = q[row_at + column${c} / 4u][column${c} % 4u]; let g${c} = d_o[row_at + column${c} / 4u][column${c} % 4u];`).join(" ")}
${lines(range(rows), (i) => `        { let p = ${fromLane(target, `s${i}`, x)}; let ds = ${fromLane(target, `dp${i}`, x)}; ${range(columns).map((c) => `dv${i}_${c} += p * g${c}; dk${i}_${c} += ds * q${c};`).join(" ")} }`)}
      }`,
)}
    }
  }
${lines(range(rows), (i) => `  if (row0 + ${i}u < end) {
    ${range(columns).map((c) => `if (${c * lanes}u + lane < ${headDim}u) { dk[((row0 + ${i}u) * kv_stride + kv_head) * 4u + column${c}] = dk${i}_${c}; dv[((row0 + ${i}u) * kv_stride + kv_head) * 4u + column${c}] = dv${i}_${c}; }`).join("\n    ")}
  }`)}
}
`,
  );
}
