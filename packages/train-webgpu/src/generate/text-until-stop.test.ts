import { loadTokenizer, type Tokenizer } from "@zephyr/data";
import { beforeAll, describe, expect, it } from "vitest";
import { words } from "../random/random-stream.ts";
import { fixture } from "../testing/reference.ts";
import { textUntilStop } from "./text-until-stop.ts";

let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = await loadTokenizer(fixture("mistral"));
});

describe("textUntilStop", () => {
  it("gives characters whole, also those of several tokens", () => {
    const ids = tokenizer.encode("Straße 😀 日本", { addSpecialTokens: false });
    const text = textUntilStop(tokenizer, []);
    const pieces = ids.map((id) => text.push(id));
    expect(pieces.join("")).toBe(tokenizer.decode(ids));
    expect(pieces.join("")).not.toContain("\ufffd");
    expect(pieces.filter((piece) => piece === "").length).toBeGreaterThan(0);
  });

  it("never lets out a text that may become a stop text, and lets it out when it does not", () => {
    const ids = tokenizer.encode("one END two", { addSpecialTokens: false });
    const whole = tokenizer.decode(ids);
    const never = textUntilStop(tokenizer, ["END three"]);
    expect(ids.map((id) => never.push(id)).join("")).toBe(whole);
    const held = textUntilStop(tokenizer, ["two and more"]);
    expect(ids.map((id) => held.push(id)).join("")).toBe(whole.slice(0, whole.indexOf("two")));
    expect(held.text).toBe(whole);
  });

  it("ends before the first stop text wherever tokens are cut: every substring of a text, pieces joined", () => {
    const ids = tokenizer.encode("The ax lay by the 😀 axle.", { addSpecialTokens: false });
    const whole = tokenizer.decode(ids);
    for (let from = 0; from < whole.length; from++) {
      for (let to = from + 1; to <= Math.min(whole.length, from + 6); to++) {
        const stop = whole.slice(from, to);
        const text = textUntilStop(tokenizer, ["never there", stop]);
        const pieces = ids.map((id) => text.push(id)).join("");
        expect(text.stopped, stop).toBe(true);
        expect(pieces, stop).toBe(whole.slice(0, whole.indexOf(stop)));
        expect(text.text).toBe(pieces);
      }
    }
  });

  it("pieces of random tokens join to what is decoded at once", () => {
    const next = words({ seed: 0, stream: "tokens" });
    for (let round = 0; round < 200; round++) {
      const ids = Array.from({ length: 20 }, () => next() % tokenizer.vocabSize);
      const text = textUntilStop(tokenizer, []);
      const joined = ids.map((id) => text.push(id)).join("");
      expect(tokenizer.decode(ids, { skipSpecialTokens: true }).startsWith(joined)).toBe(true);
    }
  });
});
