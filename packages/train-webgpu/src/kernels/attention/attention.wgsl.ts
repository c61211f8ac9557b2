import type { Kernel } from "../../plan/pipeline.ts";
import { type KernelTarget, withPrelude } from "../prelude/prelude.ts";

/** Rows of a tile of queries or keys; tiles never cross a sequence and start at multiples of this inside it. */
export const TILE_ROWS = 8;

const range = (n: number): number[] => [...Array(n).keys()];
const lines = <T>(items: T[], line: (item: T) => string): string => items.map(line).join("\n");

/** Columns of a head that each lane accumulates, and rows a subgroup takes so that the accumulators stay in registers. */
function blocking(
  { lanes }: KernelTarget,
  headDim: number,
  accumulators: number,
  tileRows = TILE_ROWS,
): { rows: number; columns: number } {
  const columns = Math.ceil(headDim / lanes);
  let rows = tileRows;
  while (rows > 1 && rows * columns * accumulators > 128) rows /= 2;
  return { rows, columns };
}

/** Sub-tiles into which a kernel cuts each tile. */
export function split(target: KernelTarget, headDim: number, kernel: "forward" | "query-gradient" | "key-gradient"): number {
  return TILE_ROWS / blocking(target, headDim, kernel === "key-gradient" ? 2 : 1).rows;
}

/** Four neighbouring floats of each operand, e.g. `q_at4(at)`. */
const readers = (bindings: string): string =>
  lines(
    [...bindings.matchAll(/var<storage, read> (q|k|v|d_o): /g)],
    ([, name]) =>
      `fn ${name}_at4(at: u32) -> vec4f { return vec4f(${name}[at], ${name}[at + 1u], ${name}[at + 2u], ${name}[at + 3u]); }`,
  );

const header = (headDim: number, rows: number, bindings: string, tileRows = TILE_ROWS): string => `
struct Params { tiles: u32, heads: u32, group: u32, window: u32, scale: f32 }
const D = ${headDim}u;
${readers(bindings)}
@group(0) @binding(0) var<uniform> params: Params;
${bindings}
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let lane = local.x % LANES;
  let part = id.x * ROWS + local.x / LANES;
  if (part >= params.tiles * ${tileRows / rows}u) { return; }
  let tile = tiles[part / ${tileRows / rows}u];
  let start = tile.x;
  let end = tile.z;
  let row0 = tile.y + (part % ${tileRows / rows}u) * ${rows}u;
  if (row0 >= end) { return; }
`;

/** Value of lane `index` of a subgroup, or the own value where there are no subgroups. */
const fromLane = ({ lanes }: KernelTarget, name: string, index: number): string =>
  lanes === 1 ? name : `subgroupBroadcast(${name}, ${index}u)`;

/**
 * `body` for every lane x, which reads x's value of each of `names` from lane 0: the values move down one lane a round. Rolled, since
 * a software adapter's compiler takes seconds for unrolled loads.
 */
function eachLane({ lanes }: KernelTarget, names: string[], body: string): string {
  const shift = lanes > 1 ? names.map((name) => `${name} = subgroupShuffleDown(${name}, 1u);`).join(" ") : "";
  return `    for (var x = 0u; x < LANES; x++) {\n${body}\n      ${shift}\n    }`;
}

/** Row `i` of a tile whose rows the lanes hold (several registers where there are more rows than lanes). */
const tileRow = (target: KernelTarget, name: string, i: number): string =>
  fromLane(target, `${name}${Math.floor(i / target.lanes)}`, i % target.lanes);

const heldRow = ({ lanes }: KernelTarget, rows: number, q: number): string =>
  lanes === 1 ? `row0 + ${q}u` : rows < lanes ? `row0 + lane % ${rows}u` : `row0 + ${q * lanes}u + lane`;

/** Accumulators into an array, so that a rolled loop stores them: a store costs a software adapter's compiler more than it costs to run. */
const store = (rows: number, columns: number, name: (row: number, column: number) => string, array: string): string =>
  `var ${array}: array<f32, ${rows * columns}>;
  ${range(rows * columns)
    .map((at) => `${array}[${at}] = ${name(Math.floor(at / columns), at % columns)};`)
    .join(" ")}`;

/**
 * O = softmax(scale Q K^T, causal, windowed) V by blocks of keys with a running maximum, and L = log-sum-exp of each row's scores
 * (Dao et al. 2022, algorithm 1). q, o [T, H, D]; k, v [T, K, D]; lse [T, H]. One tile of query rows and one head per subgroup:
 * for the scores a lane holds a key, for the output columns of the head. Keys are visited from the sequence's start in its own
 * blocks, so a row's bits do not depend on where the sequence lies. Dispatch: (tiles, heads).
 * With a key-value cache the rows of k and v are the cache's and those of q and o the stream's: a tile's fourth entry is their distance.
 */
export function attentionForward(target: KernelTarget, headDim: number, tileRows = TILE_ROWS): Kernel {
  const { lanes } = target;
  const { rows, columns } = blocking(target, headDim, 1, tileRows);
  const held = range(Math.ceil(rows / lanes));
  return withPrelude(
    target,
    `attention forward D${headDim}`,
    `${header(
      headDim,
      rows,
      `@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(4) var<storage, read> tiles: array<vec4u>;
@group(0) @binding(5) var<storage, read_write> o: array<f32>;
@group(0) @binding(6) var<storage, read_write> lse: array<f32>;`,
      tileRows,
    )}
  let q_stride = params.heads * D;
  let kv_stride = q_stride / params.group;
  let q_head = id.y * D;
  let kv_head = id.y / params.group * D;
${lines(held, (h) => `  let q${h}_at = (min(${heldRow(target, rows, h)}, end - 1u) - tile.w) * q_stride + q_head;`)}
${lines(range(columns), (c) => `  let column${c} = min(${c * lanes}u + lane, ${headDim - 1}u);`)}
${lines(
  range(rows),
  (i) =>
    `  var m${i} = -1e30f; var z${i} = 0f; ${range(columns)
      .map((c) => `var o${i}_${c} = 0f;`)
      .join(" ")}`,
)}
  let first = row0 + 1u - start;
  let skipped = select(0u, (first - params.window) / LANES * LANES, first > params.window);
  for (var t = start + skipped; t < min(row0 + ${rows}u, end); t += LANES) {
    let key = t + lane;
    let k_at = min(key, end - 1u) * kv_stride + kv_head;
${lines(range(rows), (i) => `    var s${i} = 0f;`)}
    for (var e = 0u; e < D; e += 4u) {
      let key_part = k_at4(k_at + e);
${lines(held, (h) => `      let q${h} = q_at4(q${h}_at + e);`)}
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
      ${range(columns)
        .map((c) => `o${i}_${c} *= shrink;`)
        .join(" ")}
    }`,
)}
${eachLane(
  target,
  range(rows).map((i) => `s${i}`),
  `    {
      let v_at = min(t + x, end - 1u) * kv_stride + kv_head;
      ${range(columns)
        .map((c) => `let v${c} = v[v_at + column${c}];`)
        .join(" ")}
${lines(
  range(rows),
  (i) =>
    `      { let p = ${fromLane(target, `s${i}`, 0)}; ${range(columns)
      .map((c) => `o${i}_${c} += p * v${c};`)
      .join(" ")} }`,
)}
    }`,
)}
  }
  ${store(rows, columns, (i, c) => `o${i}_${c}`, "sums")}
  ${range(rows)
    .map((i) => `let z${i}_sum = row_sum(z${i});`)
    .join(" ")}
  var stats: array<vec2f, ${rows}>;
  ${range(rows)
    .map((i) => `stats[${i}] = vec2f(m${i}, z${i}_sum);`)
    .join(" ")}
  for (var i = 0u; i < min(${rows}u, end - row0); i++) {
    let at = (row0 + i - tile.w) * q_stride + q_head;
    let stat = stats[i];
${lines(range(columns), (c) => `    if (${c * lanes}u + lane < ${headDim}u) { o[at + column${c}] = sums[i * ${columns}u + ${c}u] / stat.y; }`)}
    if (lane == 0u) { lse[(row0 + i - tile.w) * params.heads + id.y] = stat.x + log(stat.y); }
  }
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
      `@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(4) var<storage, read> d_o: array<f32>;
@group(0) @binding(5) var<storage, read> stats: array<vec2f>;
@group(0) @binding(6) var<storage, read> tiles: array<vec4u>;
@group(0) @binding(7) var<storage, read_write> dq: array<f32>;`,
    )}
  let q_stride = params.heads * D;
  let kv_stride = q_stride / params.group;
  let q_head = id.y * D;
  let kv_head = id.y / params.group * D;
${lines(held, (h) => `  let q${h}_at = min(${heldRow(target, rows, h)}, end - 1u) * q_stride + q_head;`)}
${lines(range(columns), (c) => `  let column${c} = min(${c * lanes}u + lane, ${headDim - 1}u);`)}
${lines(
  range(rows),
  (i) =>
    `  let stats${i} = stats[min(row0 + ${i}u, end - 1u) * params.heads + id.y]; ${range(columns)
      .map((c) => `var dq${i}_${c} = 0f;`)
      .join(" ")}`,
)}
  let first = row0 + 1u - start;
  let skipped = select(0u, (first - params.window) / LANES * LANES, first > params.window);
  for (var t = start + skipped; t < min(row0 + ${rows}u, end); t += LANES) {
    let key = t + lane;
    let k_at = min(key, end - 1u) * kv_stride + kv_head;
${lines(range(rows), (i) => `    var s${i} = 0f; var dp${i} = 0f;`)}
    for (var e = 0u; e < D; e += 4u) {
      let key_part = k_at4(k_at + e);
      let value_part = v_at4(k_at + e);
${lines(held, (h) => `      let q${h} = q_at4(q${h}_at + e); let g${h} = d_o_at4(q${h}_at + e);`)}
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
${eachLane(
  target,
  range(rows).map((i) => `s${i}`),
  `    {
      let row_at = min(t + x, end - 1u) * kv_stride + kv_head;
      ${range(columns)
        .map((c) => `let k${c} = k[row_at + column${c}];`)
        .join(" ")}
${lines(
  range(rows),
  (i) =>
    `      { let ds = ${fromLane(target, `s${i}`, 0)}; ${range(columns)
      .map((c) => `dq${i}_${c} += ds * k${c};`)
      .join(" ")} }`,
)}
    }`,
)}
  }
  ${store(rows, columns, (i, c) => `dq${i}_${c}`, "sums")}
  for (var i = 0u; i < min(${rows}u, end - row0); i++) {
    let at = (row0 + i) * q_stride + q_head;
${lines(range(columns), (c) => `    if (${c * lanes}u + lane < ${headDim}u) { dq[at + column${c}] = sums[i * ${columns}u + ${c}u]; }`)}
  }
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
      `@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(4) var<storage, read> d_o: array<f32>;
@group(0) @binding(5) var<storage, read> stats: array<vec2f>;
@group(0) @binding(6) var<storage, read> tiles: array<vec4u>;
@group(0) @binding(7) var<storage, read_write> dk: array<f32>;
@group(0) @binding(8) var<storage, read_write> dv: array<f32>;`,
    )}
  let q_stride = params.heads * D;
  let kv_stride = q_stride / params.group;
  let kv_head = id.y * D;
${lines(held, (h) => `  let k${h}_at = min(${heldRow(target, rows, h)}, end - 1u) * kv_stride + kv_head;`)}
${lines(range(columns), (c) => `  let column${c} = min(${c * lanes}u + lane, ${headDim - 1}u);`)}
${lines(
  range(rows),
  (i) =>
    `  ${range(columns)
      .map((c) => `var dk${i}_${c} = 0f; var dv${i}_${c} = 0f;`)
      .join(" ")}`,
)}
  let last = min(end, row0 + min(params.window, end) + ${rows - 1}u);
  for (var member = 0u; member < params.group; member++) {
    let head = id.y * params.group + member;
    for (var t = start + (row0 - start) / LANES * LANES; t < last; t += LANES) {
      let query = t + lane;
      let q_at = min(query, end - 1u) * q_stride + head * D;
      let stat = stats[min(query, end - 1u) * params.heads + head];
${lines(range(rows), (i) => `      var s${i} = 0f; var dp${i} = 0f;`)}
      for (var e = 0u; e < D; e += 4u) {
        let query_part = q_at4(q_at + e);
        let gradient_part = d_o_at4(q_at + e);
${lines(held, (h) => `        let k${h} = k_at4(k${h}_at + e); let v${h} = v_at4(k${h}_at + e);`)}
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
${eachLane(
  target,
  range(rows).flatMap((i) => [`s${i}`, `dp${i}`]),
  `      {
        let row_at = min(t + x, end - 1u) * q_stride + head * D;
        ${range(columns)
          .map((c) => `let q${c} = q[row_at + column${c}]; let g${c} = d_o[row_at + column${c}];`)
          .join(" ")}
${lines(
  range(rows),
  (i) =>
    `        { let p = ${fromLane(target, `s${i}`, 0)}; let ds = ${fromLane(target, `dp${i}`, 0)}; ${range(columns)
      .map((c) => `dv${i}_${c} += p * g${c}; dk${i}_${c} += ds * q${c};`)
      .join(" ")} }`,
)}
      }`,
)}
    }
  }
  ${store(rows, columns, (i, c) => `dk${i}_${c}`, "key_sums")}
  ${store(rows, columns, (i, c) => `dv${i}_${c}`, "value_sums")}
  for (var i = 0u; i < min(${rows}u, end - row0); i++) {
    let at = (row0 + i) * kv_stride + kv_head;
${lines(range(columns), (c) => `    if (${c * lanes}u + lane < ${headDim}u) { dk[at + column${c}] = key_sums[i * ${columns}u + ${c}u]; dv[at + column${c}] = value_sums[i * ${columns}u + ${c}u]; }`)}
  }
}
`,
  );
}
