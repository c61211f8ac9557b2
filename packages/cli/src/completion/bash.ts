import type { CommandWords } from "./command-words.ts";

/** The completion script of bash: `source <(zephyr completion bash)`. */
export function bashScript(commands: readonly CommandWords[]): string {
  const firsts = [...new Set(commands.map(({ name }) => name.split(" ")[0]!))];
  const pairs = commands.filter(({ name }) => name.includes(" "));
  const seconds = [...new Set(pairs.map(({ name }) => name.split(" ")[0]!))].map((first) => {
    const words = pairs.filter(({ name }) => name.startsWith(`${first} `)).map(({ name }) => name.slice(first.length + 1));
    return `    ${first}) words="${words.join(" ")}" ;;`;
  });
  return `# zephyr's completion for bash: source <(zephyr completion bash)
_zephyr() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" command="\${COMP_WORDS[1]}" words=""
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "${firsts.join(" ")} --help --version" -- "$current"))
    return
  fi
  case "$command" in
${seconds.join("\n")}
  esac
  if [[ -n "$words" ]]; then
    if ((COMP_CWORD == 2)); then
      COMPREPLY=($(compgen -W "$words" -- "$current"))
      return
    fi
    command="$command \${COMP_WORDS[2]}"
  fi
  case "$command $previous" in
${commands.flatMap(valueCases).join("\n")}
  esac
  if [[ "$current" != -* ]]; then
    COMPREPLY=($(compgen -f -- "$current"))
    return
  fi
  case "$command" in
${commands.map(({ name, flags }) => `    "${name}") words="${flags.map((flag) => flag.name).join(" ")}" ;;`).join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o filenames -F _zephyr zephyr
`;
}

function valueCases({ name, flags }: CommandWords): string[] {
  return flags.flatMap(({ name: flag, values = [] }) =>
    values.length === 0
      ? []
      : [`    "${name} ${flag}") COMPREPLY=($(compgen -W "${values.join(" ")}" -- "$current")); return ;;`],
  );
}
