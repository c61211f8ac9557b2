import type { Kernel } from "../../plan/pipeline.ts";
import { type KernelTarget, withPrelude } from "../prelude/prelude.ts";
import {
  header,
  keyShares,
  lines,
  loadHeld,
  loadPassing,
  passing,
  range,
  rowLayout,
  rowsOf,
  storeHeld,
  sums,
  total,
} from "./rows.wgsl.ts";

/**
 * dV = P^T dO and dK = scale dS^T Q, the keys' side: an invocation owns rows of keys, the queries that see them pass by, one query head
 * of the group after the other; no atomics. Dispatch: (tiles and their shares, key-value heads).
 */
export function attentionKeyGradient(target: KernelTarget, headDim: number): Kernel {
  const layout = rowLayout(target, headDim, "key");
  const { held, pieceQuads: n } = layout;
  const rows = range(held);
  return withPrelude(
    target,
    `attention key gradient D${headDim}`,
    `${header(
      layout,
      `@group(0) @binding(1) var<storage, read> q: array<vec4f>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> v: array<vec4f>;
@group(0) @binding(4) var<storage, read> d_o: array<vec4f>;
@group(0) @binding(5) var<storage, read> stats: array<vec2f>;
@group(0) @binding(6) var<storage, read> tiles: array<vec4u>;
@group(0) @binding(7) var<storage, read_write> dk: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> dv: array<vec4f>;`,
      "key",
      keyShares(target, headDim),
    )}
${loadHeld(layout, "k", " * params.scale")}
${loadHeld(layout, "v")}
${sums(layout, "k_sum")}
${sums(layout, "v_sum")}
  let last = min(end, first + min(params.window, end) + ${rowsOf(layout) - 1}u);
  for (var member = 0u; member < params.group; member++) {
    let head = id.y * params.group + member;
    for (var t = first; t < last; t++) {
      let query = t * q_stride + head * QUADS;
      let stat = stats[t * params.heads + head];
${loadPassing(layout, "q", 0, "query")}
${loadPassing(layout, "d_o", 0, "query")}
${lines(rows, (j) => `      var s_${j} = vec4f(); var g_${j} = vec4f();`)}
${lines(
  range(n),
  (i) =>
    `      { let x = ${passing(layout, "q", 0, i, "query")}; let y = ${passing(layout, "d_o", 0, i, "query")}; ${rows
      .map((j) => `s_${j} = fma(k_[${j * n + i}], x, s_${j}); g_${j} = fma(v_[${j * n + i}], y, g_${j});`)
      .join(" ")} }`,
)}
${lines(
  rows,
  (j) => `      ${total(layout, `score_${j}`, `s_${j}`)} ${total(layout, `dp_${j}`, `g_${j}`)}
      let p_${j} = select(0f, exp(min(score_${j} - stat.x, 0f)), row_${j} <= t && row_${j} + params.window > t);
      let ds_${j} = vec4f(p_${j} * (dp_${j} - stat.y));`,
)}
${lines(
  range(n),
  (i) =>
    `      { let x = ${passing(layout, "q", 0, i, "query")}; let y = ${passing(layout, "d_o", 0, i, "query")}; ${rows
      .map(
        (j) =>
          `k_sum[${j * n + i}] = fma(ds_${j}, x, k_sum[${j * n + i}]); v_sum[${j * n + i}] = fma(vec4f(p_${j}), y, v_sum[${j * n + i}]);`,
      )
      .join(" ")} }`,
)}
    }
  }
${storeHeld(layout, "dk", "k_sum", () => " * params.scale")}
${storeHeld(layout, "dv", "v_sum", () => "")}
}
`,
  );
}
