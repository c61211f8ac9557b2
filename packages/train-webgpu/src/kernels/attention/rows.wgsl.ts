import type { KernelTarget } from "../prelude/prelude.ts";

/**
 * How rows lie on invocations. An invocation owns `held` rows of a tile, or one of `parts` pieces of each, in registers; the rows of the
 * other side pass by, and reach it from its neighbours' registers (`broadcast`) or by loads that all invocations share.
 */
export interface RowLayout {
  invocations: number;
  held: number;
  parts: number;
  broadcast: boolean;
  /** Vectors of four floats in a row, and in an invocation's piece of it. */
  quads: number;
  pieceQuads: number;
  /** Lanes of a subgroup. */
  lanes: number;
}

/** Which rows a kernel writes, and so owns. */
export type Side = "query" | "key";

/**
 * - software: a load costs as much as ten multiplications and a broadcast costs one, so a lane loads its share of a passing row and the
 *   others take it from there; registers are memory, so a few rows fit, until compiling takes longer than they save.
 * - tile (GPU): registers are few, so four lanes share a row; a load of one address by all is cheap.
 * - portable: no subgroups, one row an invocation.
 */
export function rowLayout({ lanes, adapterClass }: KernelTarget, headDim: number, own: Side): RowLayout {
  if (headDim % 4 !== 0) throw new RangeError(`attention: the head dimension is ${headDim}; it must be a multiple of 4`);
  const quads = headDim / 4;
  if (lanes === 1) return { invocations: 32, held: 1, parts: 1, broadcast: false, quads, pieceQuads: quads, lanes };
  if (adapterClass === "software") {
    return { invocations: lanes, held: softwareRows(headDim, own), parts: 1, broadcast: true, quads, pieceQuads: quads, lanes };
  }
  return { invocations: lanes, held: 1, parts: 4, broadcast: false, quads, pieceQuads: Math.ceil(quads / 4), lanes };
}

/**
 * About 128 floats of queries a lane: with fewer rows broadcasts count, with more the compiler's time does. Keys need twice the registers,
 * so half the rows. Models of short rows are small, and wait for the compiler.
 */
function softwareRows(headDim: number, own: Side): number {
  if (headDim <= 16) return 2;
  return Math.max(1, Math.floor((own === "query" ? 128 : 64) / headDim));
}

/** Rows that one workgroup owns. */
export const rowsOf = ({ invocations, held, parts }: RowLayout): number => (invocations * held) / parts;

/** Rows of a tile: what one workgroup owns of queries. */
export const tileRows = (target: KernelTarget, headDim: number): number => rowsOf(rowLayout(target, headDim, "query"));

/** Workgroups that share a tile of keys. */
export const keyShares = (target: KernelTarget, headDim: number): number =>
  tileRows(target, headDim) / rowsOf(rowLayout(target, headDim, "key"));

export const range = (n: number): number[] => [...Array(n).keys()];
export const lines = <T>(items: T[], line: (item: T) => string): string => items.map(line).join("\n");

/**
 * Bindings, the tile's sequence, the workgroup's `first` row, and of each held row its number `row_j` and the index `own_j` of its first
 * quad among rows of `stride` quads. `shares` workgroups own a tile together.
 */
export function header(layout: RowLayout, bindings: string, own: Side, shares = 1): string {
  const { invocations, held, parts, quads } = layout;
  const rows = invocations / parts;
  return `struct Params { tiles: u32, heads: u32, group: u32, window: u32, scale: f32 }
const QUADS = ${quads}u;
@group(0) @binding(0) var<uniform> params: Params;
${bindings}
@compute @workgroup_size(${invocations})
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let lane = local.x;
  let tile = tiles[id.x / ${shares}u];
  let start = tile.x;
  let end = tile.z;
  let first = tile.y + id.x % ${shares}u * ${rowsOf(layout)}u;
  if (first >= end) { return; }
  let q_stride = params.heads * QUADS;
  let kv_stride = q_stride / params.group;
  let piece = lane % ${parts}u;
${lines(
  range(held),
  (j) => `  let row_${j} = first + ${j * rows}u + lane / ${parts}u;
  let own_${j} = min(row_${j}, end - 1u) * ${own === "query" ? "q_stride" : "kv_stride"} + id.y * QUADS;`,
)}
`;
}

/** Where in a row quad `i` of an invocation's piece lies: pieces alternate, so that neighbours load what lies together. */
const quadAt = ({ parts }: RowLayout, i: string): string => (parts === 1 ? i : `${i} * ${parts}u + piece`);

/** Loads the held rows of `binding` into an array of registers of the same name with an underscore, times `factor`. */
export function loadHeld(layout: RowLayout, binding: string, factor = ""): string {
  const { held, quads, pieceQuads, parts } = layout;
  const inside = parts === 1 || quads % parts === 0 ? "" : ` * select(0f, 1f, ${quadAt(layout, "i")} < QUADS)`;
  const at = parts === 1 ? "i" : `min(${quadAt(layout, "i")}, QUADS - 1u)`;
  return `  var ${binding}_: array<vec4f, ${held * pieceQuads}>;
  for (var i = 0u; i < ${pieceQuads}u; i++) {
${lines(range(held), (j) => `    ${binding}_[${j * pieceQuads}u + i] = ${binding}[own_${j} + ${at}]${inside}${factor};`)}
  }`;
}

/** Declares the registers into which a held row is summed. */
export const sums = ({ held, pieceQuads }: RowLayout, name: string): string =>
  `  var ${name}: array<vec4f, ${held * pieceQuads}>;`;

/** Loads passing row number `u` of `binding`, whose first quad is at `at`. */
export function loadPassing({ broadcast, quads, lanes }: RowLayout, binding: string, u: number, at: string): string {
  if (!broadcast) return "";
  return lines(range(Math.ceil(quads / lanes)), (r) => {
    const index = (r + 1) * lanes <= quads ? `${r * lanes}u + lane` : `min(${r * lanes}u + lane, QUADS - 1u)`;
    return `    let ${binding}_${u}_${r} = ${binding}[${at} + ${index}];`;
  });
}

/** Quad `i` of an invocation's piece of passing row `u`. */
export function passing(layout: RowLayout, binding: string, u: number, i: number, at: string): string {
  const { broadcast, quads, parts, lanes } = layout;
  if (broadcast) return `subgroupBroadcast(${binding}_${u}_${Math.floor(i / lanes)}, ${i % lanes}u)`;
  const quad = quadAt(layout, `${i}u`);
  return parts === 1 || quads % parts === 0 ? `${binding}[${at} + ${quad}]` : `${binding}[${at} + min(${quad}, QUADS - 1u)]`;
}

/** The sum of the four entries of `quad`, over all pieces of the row. */
export function total({ parts }: RowLayout, name: string, quad: string): string {
  const across = parts === 1 ? "" : ` ${name} += subgroupShuffleXor(${name}, 1u); ${name} += subgroupShuffleXor(${name}, 2u);`;
  return `var ${name} = (${quad}.x + ${quad}.y) + (${quad}.z + ${quad}.w);${across}`;
}

/** Stores the held rows of the registers `from`, times `factor(j)`. */
export function storeHeld(layout: RowLayout, binding: string, from: string, factor: (j: number) => string): string {
  const { held, pieceQuads, parts, quads } = layout;
  const quad = quadAt(layout, "i");
  const guard = parts === 1 || quads % parts === 0 ? "" : `if (${quad} < QUADS) `;
  return lines(
    range(held),
    (j) => `  if (row_${j} < end) {
    for (var i = 0u; i < ${pieceQuads}u; i++) { ${guard}{ ${binding}[own_${j} + ${quad}] = ${from}[${j * pieceQuads}u + i]${factor(j)}; } }
  }`,
  );
}
