import { describe, expect, it } from "vitest";
import { createReporter, duration } from "./progress.ts";

function recorded(isTTY: boolean, env: Record<string, string> = {}) {
  const clock = { now: 0 };
  let text = "";
  const stream = { write: (part: string) => (text += part), isTTY, columns: 60 };
  return { clock, reporter: createReporter(stream, env, () => clock.now), text: () => text };
}

describe("createReporter", () => {
  it("redraws one line on a terminal and leaves the last one, green unless NO_COLOR is set", () => {
    for (const [env, green] of [
      [{}, true],
      [{ NO_COLOR: "1" }, false],
    ] as const) {
      const { clock, reporter, text } = recorded(true, env);
      const progress = reporter.progress("training", 4);
      for (let step = 1; step <= 4; step++) {
        progress.update(step, `loss ${step}`);
        clock.now += 1000;
      }
      progress.end();
      expect(text().split("\r\u001b[K")).toHaveLength(5);
      expect(text()).toContain("━━━━━╌");
      expect(
        text()
          .trimEnd()
          .endsWith(green ? "\u001b[39m" : "loss 4"),
      ).toBe(true);
      expect(text().includes("\u001b[32m")).toBe(green);
    }
  });

  it("writes plain lines now and then where there is no terminal, always the last one, and no control characters", () => {
    const { clock, reporter, text } = recorded(false);
    const progress = reporter.progress("rows");
    for (let row = 1; row <= 100; row++) {
      progress.update(row);
      clock.now += 500;
    }
    progress.end();
    const lines = text().trimEnd().split("\n");
    expect(lines).toHaveLength(6);
    expect(lines.at(-1)).toBe("rows  100");
    expect(text()).not.toContain("\u001b");
  });

  it("puts a note above the bar, and cuts a line that is longer than the terminal", () => {
    const { reporter, text } = recorded(true);
    reporter.progress("training", 2).update(1, "x".repeat(100));
    reporter.note("a note");
    const [bar, note] = text().split("\r\u001b[K");
    expect(bar!.length).toBe(59);
    expect(note).toBe("a note\n");
  });

  it("foresees the end from the work of this process, not from what an earlier one did", () => {
    const { clock, reporter, text } = recorded(false);
    const progress = reporter.progress("training");
    clock.now = 2000;
    progress.update(91, "", 100);
    expect(text()).toBe("training  91/100  0:18 left\n");
  });

  it("a bar that never moved shows nothing", () => {
    const { reporter, text } = recorded(true);
    reporter.progress("training", 0).end();
    expect(text()).toBe("");
  });
});

describe("duration", () => {
  it.each([
    [0, "0:00"],
    [59.6, "1:00"],
    [3675, "1:01:15"],
  ])("%f s is %s", (seconds, text) => expect(duration(seconds)).toBe(text));
});
