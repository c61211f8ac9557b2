import type { Kernel } from "../../plan/pipeline.ts";
import { type KernelTarget, withPrelude } from "../prelude/prelude.ts";
import { header, lines, loadHeld, loadPassing, passing, range, rowLayout, rowsOf, storeHeld, sums, total } from "./rows.wgsl.ts";

/** Keys that pass by together: they share one change of the running maximum. */
const KEYS = 2;

/**
 * O = softmax(scale Q K^T, causal, windowed) V with a running maximum, and L = log-sum-exp of each row's scores
 * (Dao et al. 2022, algorithm 1). q, o [T, H, D]; k, v [T, K, D]; lse [T, H]. An invocation owns rows of queries, the keys pass by.
 * Keys are visited in pairs from the sequence's start, so a row's bits do not depend on where the sequence lies. Dispatch: (tiles, heads).
 */
export function attentionForward(target: KernelTarget, headDim: number): Kernel {
  const layout = rowLayout(target, headDim, "query");
  const { held, pieceQuads: n } = layout;
  const rows = range(held);
  const keys = range(KEYS);
  const key = (u: number): string => `kv_${u}`;
  return withPrelude(
    target,
    `attention forward D${headDim}`,
    `${header(
      layout,
      `@group(0) @binding(1) var<storage, read> q: array<vec4f>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> v: array<vec4f>;
@group(0) @binding(4) var<storage, read> tiles: array<vec4u>;
@group(0) @binding(5) var<storage, read_write> o: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> lse: array<f32>;`,
      "query",
    )}
${loadHeld(layout, "q", " * params.scale")}
${sums(layout, "sum")}
${lines(rows, (j) => `  var m_${j} = -1e30f; var z_${j} = 0f;`)}
  let kv_head = id.y / params.group * QUADS;
  let seen = first + 1u - start;
  let skipped = select(0u, (seen - params.window) / ${KEYS}u * ${KEYS}u, seen > params.window);
  for (var t = start + skipped; t < min(first + ${rowsOf(layout)}u, end); t += ${KEYS}u) {
${lines(keys, (u) => `    let ${key(u)} = min(t + ${u}u, end - 1u) * kv_stride + kv_head;`)}
${lines(keys, (u) => `${loadPassing(layout, "k", u, key(u))}\n${loadPassing(layout, "v", u, key(u))}`)}
${lines(keys, (u) => rows.map((j) => `    var s_${j}_${u} = vec4f();`).join(" "))}
${lines(range(n), (i) =>
  lines(
    keys,
    (u) =>
      `    { let x = ${passing(layout, "k", u, i, key(u))}; ${rows.map((j) => `s_${j}_${u} = fma(q_[${j * n + i}], x, s_${j}_${u});`).join(" ")} }`,
  ),
)}
${lines(
  rows,
  (j) => `${lines(
    keys,
    (u) => `    ${total(layout, `score_${j}_${u}`, `s_${j}_${u}`)}
    score_${j}_${u} = select(-1e30f, score_${j}_${u}, t + ${u}u <= row_${j} && t + ${u}u + params.window > row_${j});`,
  )}
    let max_${j} = max(m_${j}, max(${keys.map((u) => `score_${j}_${u}`).join(", ")}));
    let shrink_${j} = exp(m_${j} - max_${j});
    m_${j} = max_${j};
${lines(keys, (u) => `    let p_${j}_${u} = exp(score_${j}_${u} - max_${j});`)}
    z_${j} = fma(z_${j}, shrink_${j}, ${keys.map((u) => `p_${j}_${u}`).join(" + ")});`,
)}
${lines(
  range(n),
  (i) =>
    `    { ${keys.map((u) => `let x${u} = ${passing(layout, "v", u, i, key(u))};`).join(" ")} ${rows
      .map((j) => `sum[${j * n + i}] = fma(sum[${j * n + i}], vec4f(shrink_${j}), fma(vec4f(p_${j}_1), x1, p_${j}_0 * x0));`)
      .join(" ")} }`,
)}
  }
${storeHeld(layout, "o", "sum", (j) => ` / z_${j}`)}
${lines(rows, (j) => `  if (row_${j} < end && piece == 0u) { lse[row_${j} * params.heads + id.y] = m_${j} + log(z_${j}); }`)}
}
`,
  );
}
