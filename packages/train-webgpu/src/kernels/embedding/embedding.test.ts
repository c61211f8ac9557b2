import { describe, expect, it } from "vitest";
import type { Device } from "../../device/request-device.ts";
import { createExecutor, type Executor } from "../../plan/executor.ts";
import { createTape } from "../../plan/tape.ts";
import type { Tensor } from "../../plan/tensor.ts";
import { read, write } from "../../plan/upload.ts";
import { deviceOrSkip, portable } from "../../testing/device.ts";
import { expectClose, finiteDifferences, normals } from "../../testing/numbers.ts";
import { noSizes, tensor } from "../../testing/tape.ts";
import { embeddingGradientReference, embeddingReference } from "./embedding.reference.ts";
import { embedding, sortById } from "./embedding.ts";

interface Case {
  ids: Uint32Array<ArrayBuffer>;
  vocabulary: number;
  width: number;
}

interface Embedded extends Disposable {
  table: Tensor;
  run: (accumulate: number) => Promise<{ y: Float32Array; dtable: Float32Array }>;
}

/** An embedding of `ids` with dy as the gradient of its output; the table's gradient starts as garbage. */
async function embed(
  device: Device,
  { ids, vocabulary, width }: Case,
  tableData: Float32Array<ArrayBuffer>,
  dy: Float32Array<ArrayBuffer>,
): Promise<Embedded> {
  const sorted = sortById(ids);
  const table = tensor(device, "table", tableData, true);
  write(device, table.gradient!, new Float32Array(vocabulary * width).fill(Number.NaN));
  const inputs = {
    ids: tensor(device, "ids", ids),
    distinctIds: tensor(device, "distinct ids", sorted.distinctIds),
    distinctOffsets: tensor(device, "offsets", sorted.offsets),
    orderById: tensor(device, "order", sorted.order),
  };
  const tape = createTape();
  const y = embedding(tape, device, inputs, table, width, ids.length);
  tape.seedGradient(y, tensor(device, "dy", dy));
  tape.backward();
  const executor: Executor = await createExecutor(device, { all: tape.dispatches }, [y]);
  return {
    table,
    async run(accumulate) {
      executor.run("all", { ...noSizes, tokens: ids.length, distinctIds: sorted.distinctIds.length, accumulate });
      const [output, dtable] = await read(device, [
        { tensor: y, length: ids.length * width },
        { tensor: table.gradient!, length: vocabulary * width },
      ]);
      return { y: output!, dtable: dtable! };
    },
    [Symbol.dispose]: () => executor[Symbol.dispose](),
  };
}

const someIds = (tokens: number, vocabulary: number): Uint32Array<ArrayBuffer> =>
  Uint32Array.from({ length: tokens }, (_, t) => (t * t * 31 + 5 * t + vocabulary - 1) % vocabulary);

describe("embedding", () => {
  for (const [tokens, vocabulary, width] of [
    [1, 1, 1],
    [7, 5, 7],
    [63, 65, 3],
    [64, 7, 64],
    [65, 300, 1],
    [257, 9, 5],
    [3, 40, 257],
  ] as const) {
    it(`equals the float64 reference, forward and backward, for ${tokens} ids of ${vocabulary} in [V, ${width}]`, async (context) => {
      const device = await deviceOrSkip(context);
      const shape = { ids: someIds(tokens, vocabulary), vocabulary, width };
      const [table, dy] = [normals(vocabulary * width, 1), normals(tokens * width, 2)];
      for (const target of [device, portable(device)]) {
        using embedded = await embed(target, shape, table, dy);
        const { y, dtable } = await embedded.run(0);
        expect([...y]).toEqual([...embeddingReference(shape.ids, table, width)]);
        expectClose(dtable, embeddingGradientReference(shape.ids, dy, vocabulary, width), 2e-6, "d table");
      }
    });
  }

  it("sums repeated ids, leaves the rows of absent ids at 0, and adds up micro-batches until the next step", async (context) => {
    const device = await deviceOrSkip(context);
    const shape = { ids: Uint32Array.of(3, 3, 0, 3, 5), vocabulary: 7, width: 2 };
    const dy = Float32Array.of(1, 10, 2, 20, 3, 30, 4, 40, 5, 50);
    const once = [3, 30, 0, 0, 0, 0, 7, 70, 0, 0, 5, 50, 0, 0];
    using embedded = await embed(device, shape, normals(14, 3), dy);
    expect([...(await embedded.run(0)).dtable]).toEqual(once);
    expect([...(await embedded.run(1)).dtable]).toEqual(once.map((value) => 2 * value));
    expect([...(await embedded.run(1)).dtable]).toEqual(once.map((value) => 3 * value));
    expect([...(await embedded.run(0)).dtable]).toEqual(once);
  });

  it("adds to what a tied head has already written", async (context) => {
    const device = await deviceOrSkip(context);
    const ids = Uint32Array.of(2, 0, 2);
    const sorted = sortById(ids);
    const table = tensor(device, "table", normals(4, 4), true);
    write(device, table.gradient!, Float32Array.of(100, 200, 300, 400));
    const inputs = {
      ids: tensor(device, "ids", ids),
      distinctIds: tensor(device, "distinct ids", sorted.distinctIds),
      distinctOffsets: tensor(device, "offsets", sorted.offsets),
      orderById: tensor(device, "order", sorted.order),
    };
    const tape = createTape();
    const y = embedding(tape, device, inputs, table, 1, 3);
    tape.seedGradient(y, tensor(device, "dy", Float32Array.of(1, 2, 3)));
    tape.onBackward(() => void tape.gradientTarget(table));
    tape.backward();
    using executor = await createExecutor(device, { all: tape.dispatches });
    executor.run("all", { ...noSizes, tokens: 3, distinctIds: 2, accumulate: 0 });
    const [dtable] = await read(device, [{ tensor: table.gradient!, length: 4 }]);
    expect([...dtable!]).toEqual([102, 200, 304, 400]);
  });

  it("has a reference whose gradient equals finite differences", () => {
    const ids = Uint32Array.of(2, 0, 2);
    const [table, dy] = [normals(12, 5), normals(9, 6)];
    const loss = (moved: ArrayLike<number>) => embeddingReference(ids, moved, 3).reduce((sum, y, i) => sum + y * dy[i]!, 0);
    const entries = [...Array(12).keys()];
    expectClose(embeddingGradientReference(ids, dy, 4, 3), finiteDifferences(loss, table, entries), 1e-8);
  });

  it("copies entries of any size to the bit", async (context) => {
    const device = await deviceOrSkip(context);
    const table = Float32Array.of(3e38, -3e38, 1e-30, -0, 1e4, Number.POSITIVE_INFINITY);
    using embedded = await embed(device, { ids: Uint32Array.of(2, 1, 0), vocabulary: 3, width: 2 }, table, new Float32Array(6));
    expect([...(await embedded.run(0)).y]).toEqual([1e4, Number.POSITIVE_INFINITY, Math.fround(1e-30), -0, ...table.slice(0, 2)]);
  });
});

describe("sortById", () => {
  it("groups tokens by id, in stream order within an id", () => {
    const { distinctIds, offsets, order } = sortById(Uint32Array.of(9, 2, 9, 0, 2, 9));
    expect([...distinctIds]).toEqual([0, 2, 9]);
    expect([...offsets]).toEqual([0, 1, 3, 6]);
    expect([...order]).toEqual([3, 1, 4, 0, 2, 5]);
  });

  it("sorts ids above 2^31", () => {
    expect([...sortById(Uint32Array.of(4_000_000_000, 1)).distinctIds]).toEqual([1, 4_000_000_000]);
  });

  it("gives no group for no tokens", () => {
    const { distinctIds, offsets, order } = sortById(new Uint32Array());
    expect([distinctIds.length, [...offsets], order.length]).toEqual([0, [0], 0]);
  });
});
