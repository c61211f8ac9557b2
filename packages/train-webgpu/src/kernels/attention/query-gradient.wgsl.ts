import type { Kernel } from "../../plan/pipeline.ts";
import { type KernelTarget, withPrelude } from "../prelude/prelude.ts";
import { header, lines, loadHeld, loadPassing, passing, range, rowLayout, rowsOf, storeHeld, sums, total } from "./rows.wgsl.ts";

/**
 * dQ = scale dS K with P = exp(scale Q K^T - L), dS = P (dO V^T - delta)      (Dao et al. 2022, algorithm 4, for the queries' side).
 * stats [T, H] holds (L, delta = sum_d dO O). An invocation owns rows of queries, the keys pass by. Dispatch: (tiles, heads).
 */
export function attentionQueryGradient(target: KernelTarget, headDim: number): Kernel {
  const layout = rowLayout(target, headDim, "query");
  const { held, pieceQuads: n } = layout;
  const rows = range(held);
  return withPrelude(
    target,
    `attention query gradient D${headDim}`,
    `${header(
      layout,
      `@group(0) @binding(1) var<storage, read> q: array<vec4f>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> v: array<vec4f>;
@group(0) @binding(4) var<storage, read> d_o: array<vec4f>;
@group(0) @binding(5) var<storage, read> stats: array<vec2f>;
@group(0) @binding(6) var<storage, read> tiles: array<vec4u>;
@group(0) @binding(7) var<storage, read_write> dq: array<vec4f>;`,
      "query",
    )}
${loadHeld(layout, "q", " * params.scale")}
${loadHeld(layout, "d_o")}
${sums(layout, "sum")}
${lines(rows, (j) => `  let stat_${j} = stats[min(row_${j}, end - 1u) * params.heads + id.y];`)}
  let kv_head = id.y / params.group * QUADS;
  let seen = first + 1u - start;
  let skipped = select(0u, seen - params.window, seen > params.window);
  for (var t = start + skipped; t < min(first + ${rowsOf(layout)}u, end); t++) {
    let kv = t * kv_stride + kv_head;
${loadPassing(layout, "k", 0, "kv")}
${loadPassing(layout, "v", 0, "kv")}
${lines(rows, (j) => `    var s_${j} = vec4f(); var g_${j} = vec4f();`)}
${lines(
  range(n),
  (i) =>
    `    { let x = ${passing(layout, "k", 0, i, "kv")}; let y = ${passing(layout, "v", 0, i, "kv")}; ${rows
      .map((j) => `s_${j} = fma(q_[${j * n + i}], x, s_${j}); g_${j} = fma(d_o_[${j * n + i}], y, g_${j});`)
      .join(" ")} }`,
)}
${lines(
  rows,
  (j) => `    ${total(layout, `score_${j}`, `s_${j}`)} ${total(layout, `dp_${j}`, `g_${j}`)}
    let p_${j} = select(0f, exp(min(score_${j} - stat_${j}.x, 0f)), t <= row_${j} && t + params.window > row_${j});
    let ds_${j} = vec4f(p_${j} * (dp_${j} - stat_${j}.y));`,
)}
${lines(
  range(n),
  (i) =>
    `    { let x = ${passing(layout, "k", 0, i, "kv")}; ${rows
      .map((j) => `sum[${j * n + i}] = fma(ds_${j}, x, sum[${j * n + i}]);`)
      .join(" ")} }`,
)}
  }
${storeHeld(layout, "dq", "sum", () => " * params.scale")}
}
`,
  );
}
