import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "zephyr-token-cache-"));
afterAll(() => rmSync(folder, { recursive: true }));
const program = new URL("../../test/tokenize-cached.ts", import.meta.url).pathname;

/** Runs the program to its end, or kills it as soon as it has said something. */
function run(args: string[], kill = false): Promise<{ signal: NodeJS.Signals | null; said: string }> {
  const child = spawn(process.execPath, ["--conditions=zephyr-source", program, ...args], {
    env: { ...process.env, NODE_OPTIONS: "" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    if (kill) child.kill("SIGKILL");
  });
  return new Promise((done) => child.on("close", (_, signal) => done({ signal, said })));
}

const whole = () => readdirSync(folder).filter((name) => /^[0-9a-f]{64}\.jsonl$/.test(name));

test("a killed run leaves no cache, the next one fills it, later ones do not tokenize; the ids are those of transformers", async () => {
  const killed = await run([folder, "70"], true);
  expect(killed).toEqual({ signal: "SIGKILL", said: '{"given":70}\n' });
  expect(whole()).toEqual([]);
  const first = JSON.parse((await run([folder])).said);
  const { chats } = JSON.parse(readFileSync(new URL("../fixtures/text.json", import.meta.url), "utf8"));
  const expected = chats.filter((chat: { add_generation_prompt: boolean }) => !chat.add_generation_prompt);
  expect(first.asked).toBe(20 * expected.length);
  expect(first.ids).toEqual(Array.from({ length: 20 }, () => expected.map(({ ids }: { ids: number[] }) => ids)).flat());
  expect(whole()).toHaveLength(1);
  const second = JSON.parse((await run([folder])).said);
  expect(second).toEqual({ asked: 0, ids: first.ids });
});
