import { bashScript } from "../completion/bash.ts";
import { type CommandWords, commandWords } from "../completion/command-words.ts";
import { fishScript } from "../completion/fish.ts";
import { zshScript } from "../completion/zsh.ts";
import { usageError } from "../errors/usage-error.ts";
import { didYouMean } from "../flags/nearest.ts";
import { command } from "./command.ts";

const SHELLS: Readonly<Record<string, (commands: readonly CommandWords[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** `zephyr completion SHELL`: what a shell completes. */
export const completion = command({
  arguments: ["SHELL"],
  description:
    "Prints the completion script of bash, zsh or fish: commands, flags and the words that flags take. `source <(zephyr completion bash)` in ~/.bashrc, the same with zsh in ~/.zshrc, or `zephyr completion fish > ~/.config/fish/completions/zephyr.fish`.",
  flags: {},
  async run({ positionals }) {
    const shell = positionals[0]!;
    const names = Object.keys(SHELLS);
    if (!Object.hasOwn(SHELLS, shell))
      throw usageError(`unknown shell ${JSON.stringify(shell)}${didYouMean(shell, names)}; there are ${names.join(", ")}`);
    const script = SHELLS[shell]!(await commandWords());
    return { result: { shell, script }, lines: [script.trimEnd()] };
  },
});
