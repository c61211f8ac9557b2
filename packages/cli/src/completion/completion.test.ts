import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { commandNames } from "../commands/find-command.ts";
import { temporaryFolder } from "../testing/run-cli.ts";
import { bashScript } from "./bash.ts";
import { commandWords } from "./command-words.ts";
import { fishScript } from "./fish.ts";
import { zshScript } from "./zsh.ts";

const words = await commandWords();
const missing = (shell: string): string | undefined =>
  spawnSync(shell, ["-c", "exit 0"]).status === 0 ? undefined : `${shell} is not installed`;
const run = (shell: string, args: string[], input?: string) => spawnSync(shell, args, { encoding: "utf8", input });

/** What bash would offer for the last of `typed`. */
function offeredByBash(...typed: string[]): string[] {
  const script = `${bashScript(words)}
COMP_WORDS=(${typed.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${typed.length - 1}; _zephyr; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return run("bash", ["--norc", "-s"], script).stdout.split("\n").filter(Boolean);
}

function offeredByFish(line: string): string[] {
  const file = join(temporaryFolder(), "zephyr.fish");
  writeFileSync(file, fishScript(words));
  const { stdout } = run("fish", ["--no-config", "-c", `source ${file}; complete -C ${JSON.stringify(line)}`]);
  return stdout
    .split("\n")
    .filter(Boolean)
    .map((entry) => entry.split("\t")[0]!);
}

describe("completion", () => {
  it("knows every command, and every flag that it reads", () => {
    expect(words.map(({ name }) => name)).toEqual([...commandNames.keys()]);
    const dpo = words.find(({ name }) => name === "dpo")!;
    expect(dpo.flags.find(({ name }) => name === "--reference")?.values).toEqual(["precompute", "copy", "adapter-off"]);
    expect(dpo.flags.find(({ name }) => name === "--model")?.values).toEqual([]);
    expect(dpo.flags.find(({ name }) => name === "--resume")?.values).toBeUndefined();
  });

  it("offers commands, second words, flags and values in bash", ({ skip }) => {
    const reason = missing("bash");
    if (reason) skip(reason);
    expect(offeredByBash("zephyr", "bin")).toEqual(["binarize"]);
    expect(offeredByBash("zephyr", "eval", "")).toEqual(["preferences", "alpaca", "mt-bench", "harness"]);
    expect(offeredByBash("zephyr", "eval", "alpaca", "--lc")).toEqual(["--lc-data", "--lc-c"]);
    expect(offeredByBash("zephyr", "dpo", "--reference", "a")).toEqual(["adapter-off"]);
    expect(offeredByBash("zephyr", "dpo", "--lr-scheduler-type", "cosine_")).toEqual([
      "cosine_with_restarts",
      "cosine_with_min_lr",
    ]);
  });

  it("offers the same in fish", ({ skip }) => {
    const reason = missing("fish");
    if (reason) skip(reason);
    expect(offeredByFish("zephyr bin")).toEqual(["binarize"]);
    expect(offeredByFish("zephyr eval ").sort()).toEqual(["alpaca", "harness", "mt-bench", "preferences"]);
    expect(offeredByFish("zephyr eval alpaca --lc").sort()).toEqual(["--lc-c", "--lc-data"]);
    expect(offeredByFish("zephyr dpo --reference a")).toEqual(["adapter-off"]);
  });

  it("is valid zsh, which takes it as its completion of zephyr", ({ skip }) => {
    const reason = missing("zsh");
    if (reason) skip(reason);
    const setup = "autoload -Uz compinit; compinit -D -u; ";
    const { stdout, stderr, status } = run("zsh", ["-f"], `${setup}${zshScript(words)}\nprint -r -- "$_comps[zephyr]"\n`);
    expect({ stdout, stderr, status }).toEqual({ stdout: "_zephyr\n", stderr: "", status: 0 });
  });
});
