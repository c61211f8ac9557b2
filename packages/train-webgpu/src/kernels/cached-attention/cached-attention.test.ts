import { describe, it } from "vitest";
import { createExecutor } from "../../plan/executor.ts";
import { createTape } from "../../plan/tape.ts";
import { read, write } from "../../plan/upload.ts";
import { deviceOrSkip, portable } from "../../testing/device.ts";
import { expectClose } from "../../testing/numbers.ts";
import { noSizes, tensor } from "../../testing/tape.ts";
import { attentionReference } from "../attention/attention.reference.ts";
import { makeCase } from "../attention/attention-case.ts";
import { cachedAttention } from "./cached-attention.ts";

describe("cachedAttention", () => {
  for (const window of [undefined, 5]) {
    it(`attends, tokens arriving in any portions, as over whole sequences (window ${window})`, async (context) => {
      const device = await deviceOrSkip(context);
      const shape = { heads: 4, keyValueHeads: 2, headDim: 8, ...(window && { window }) };
      const lengths = [21, 9];
      const slotRows = 24;
      const { q, k, v, sequenceOffsets } = makeCase({ ...shape, lengths });
      const expected = attentionReference(q, k, v, { ...shape, sequenceOffsets });
      // Portions of (sequence, position): a start of both, then the rest a token of each at a time, then the longer one alone.
      const upTo = (slot: number, from: number, to: number) =>
        Array.from({ length: to - from }, (_, i) => [slot, from + i] as const);
      const portions = [
        [...upTo(0, 0, 5), ...upTo(1, 0, 3)],
        ...upTo(1, 3, 9).map(([, position]) => [[1, position] as const, [0, position + 2] as const]),
        ...upTo(0, 11, 21).map((token) => [token]),
      ];
      for (const target of [device, portable(device)]) {
        const empty = (name: string, width: number) => tensor(target, name, new Float32Array(8 * width));
        const [qs, ks, vs] = [empty("q", 32), empty("k", 16), empty("v", 16)];
        const [rows, tiles] = [tensor(target, "rows", new Uint32Array(8)), tensor(target, "tiles", new Uint32Array(32))];
        const cache = (name: string) => tensor(target, name, new Float32Array(2 * slotRows * 16).fill(1e4));
        const tape = createTape();
        const layer = { keys: cache("keys"), values: cache("values"), rows };
        const o = cachedAttention(tape, target, qs, ks, vs, tiles, layer, shape);
        using executor = await createExecutor(target, { all: tape.dispatches }, [o]);
        for (const portion of portions) {
          const at = portion.map(([slot, position]) => sequenceOffsets[slot]! + position);
          const gather = (data: Float32Array, width: number) =>
            Float32Array.from(at.flatMap((token) => [...data.slice(token * width, (token + 1) * width)]));
          write(target, qs, gather(q, 32));
          write(target, ks, gather(k, 16));
          write(target, vs, gather(v, 16));
          const cacheRows = portion.map(([slot, position]) => slot * slotRows + position);
          write(target, rows, Uint32Array.from(cacheRows));
          const tile = (row: number, t: number) => [portion[t]![0] * slotRows, row, row + 1, row - t];
          write(target, tiles, Uint32Array.from(cacheRows.flatMap(tile)));
          executor.run("all", { ...noSizes, tokens: portion.length, tiles: portion.length });
          const [actual] = await read(target, [{ tensor: o, length: portion.length * 32 }]);
          const wanted = at.flatMap((token) => [...expected.slice(token * 32, (token + 1) * 32)]);
          expectClose(actual!, wanted, 3e-6, `o of ${JSON.stringify(portion)}`);
        }
      }
    });
  }
});
