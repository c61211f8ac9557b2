import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCommandLine } from "../run-command-line.ts";
import { reference, temporaryFolder } from "../testing/run-cli.ts";
import { renderMask } from "./render-mask.ts";

const tokenizer = ["--tokenizer", reference("mistral")];
const [GREEN, DIM, RED] = ["\u001b[32m", "\u001b[2m", "\u001b[31m"];

async function inspect(rows: readonly object[], flags: readonly string[] = [], env = {}, isTTY = false) {
  const file = join(temporaryFolder(), "rows.jsonl");
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const output = { stdout: "", stderr: "" };
  const stdout = { write: (text: string) => (output.stdout += text), isTTY };
  const stderr = { write: (text: string) => (output.stderr += text) };
  const code = await runCommandLine(["inspect", file, ...tokenizer, ...flags], { env, stdout, stderr, leave: () => {} });
  return { code, ...output };
}

const user = (content: string) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });
const dialogue = { messages: [user("Hi"), assistant("Hello."), user("Bye"), assistant("See you.")] };
const pair = { prompt: [user("Hi")], chosen: [assistant("Hello.")], rejected: [assistant("No.")] };

describe("zephyr inspect FILE", () => {
  it("shows what is learnt in green on a terminal, in brackets under NO_COLOR and where it is none", async () => {
    const inColour = await inspect([pair], [], {}, true);
    expect(inColour.stdout).toContain(`${DIM}<|user|>\nHi</s>\n<|assistant|>\n\u001b[22m${GREEN}Hello.</s>\n\u001b[39m`);
    expect(inColour.stdout).toContain(`${GREEN}No.</s>`);
    expect(inColour.stdout).toContain("row 0, chosen (green is learnt, dim is given):");
    for (const plain of [
      await inspect([pair], [], { NO_COLOR: "1" }, true),
      await inspect([pair]),
      await inspect([pair], [], { TERM: "dumb" }, true),
    ]) {
      expect(plain.stdout).toContain("<|user|>\nHi</s>\n<|assistant|>\n[[Hello.</s>\n]]");
      expect(plain.stdout).not.toContain("\u001b");
    }
    expect((await inspect([pair], ["--json"], {}, true)).stdout).not.toContain("\u001b");
  });

  it("shows the mask that sft would train with, of the row that is asked for", async () => {
    expect((await inspect([dialogue, pair])).code).toBe(1);
    const rows = [{ text: "Once." }, { text: "Twice." }];
    expect((await inspect(rows, ["--row", "1"])).stdout).toContain(
      "row 1, sequence ([[learnt]] is in brackets):\n<s>[[Twice.</s>]]",
    );
    expect(await inspect(rows, ["--row", "2"])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/--row 2 is not there: the first 2 rows/),
    });
    const assistantOnly = await inspect([dialogue], ["--assistant-only-loss"]);
    expect(assistantOnly.stdout).toContain(
      "Hi</s>\n<|assistant|>\n[[Hello.</s>]]\n<|user|>\nBye</s>\n<|assistant|>\n[[See you.</s>]]\n",
    );
    const completion = { prompt: "The sky is", completion: " blue." };
    expect((await inspect([completion])).stdout).toContain("The sky is[[ blue.</s>]]");
    expect((await inspect([completion], ["--no-completion-only-loss"])).stdout).toContain("[[The sky is blue.</s>]]");
  });

  it("names the row that would train on nothing", async () => {
    const rows = [dialogue, { prompt_id: "empty", messages: [user("No answer")] }];
    const { code, stdout, stderr } = await inspect(rows, ["--assistant-only-loss"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/row 1 \(prompt_id "empty"\): would train on nothing \(\d+ tokens, none of them learnt\)/);
  });

  it("writes control characters of the data out: a terminal would obey them", async () => {
    const hostile = `a${RED}b\u0007\u202ec\r\td\u009b2J`;
    for (const isTTY of [true, false]) {
      const { stdout } = await inspect([{ text: hostile }], [], {}, isTTY);
      expect(stdout).toContain("a\\u001b[31mb\\u0007\\u202ec\\u000d\td\\u009b2J");
      expect(stdout).not.toContain(RED);
    }
    expect(
      renderMask(
        [
          { text: "a\n", learnt: false },
          { text: "b", learnt: true },
        ],
        false,
      ),
    ).toBe("a\n[[b]]");
  });
});
