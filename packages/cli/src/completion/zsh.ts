import type { CommandWords, FlagWord } from "./command-words.ts";

/** A text between single quotes. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
/** Brackets and colons divide the parts of an argument of `_arguments`. */
const plain = (text: string): string => text.replace(/[[\]:\\]/g, "\\$&");

/** The completion script of zsh: a file `_zephyr` in `$fpath`, or `source <(zephyr completion zsh)`. */
export function zshScript(commands: readonly CommandWords[]): string {
  const firsts = new Map<string, string>();
  for (const { name, summary } of commands) {
    const [first = "", second] = name.split(" ");
    firsts.set(first, second === undefined ? summary : [firsts.get(first), second].filter(Boolean).join(", "));
  }
  const groups = [...firsts.keys()].map((first) => commands.filter(({ name }) => name.split(" ")[0] === first));
  return `#compdef zephyr
# zephyr's completion for zsh: source <(zephyr completion zsh), or a file _zephyr in $fpath
_zephyr() {
  local -a commands
  if (( CURRENT == 2 )); then
    commands=(
${[...firsts].map(([first, summary]) => `      ${quoted(`${first}:${summary}`)}`).join("\n")}
    )
    _describe command commands
    return
  fi
  shift words; (( CURRENT-- ))
  case $words[1] in
${groups.map((group) => groupCase(group)).join("\n")}
  esac
}
if [[ "$funcstack[1]" == _zephyr ]]; then _zephyr "$@"; else compdef _zephyr zephyr; fi
`;
}

function groupCase(group: readonly CommandWords[]): string {
  const [{ name, flags }] = group as [CommandWords];
  const first = name.split(" ")[0]!;
  if (first === name) return `    ${first})\n${argumentsOf(flags, "      ")} ;;`;
  const seconds = group.map((each) => ({ ...each, second: each.name.slice(first.length + 1) }));
  return `    ${first})
      if (( CURRENT == 2 )); then
        commands=(${seconds.map(({ second, summary }) => quoted(`${second}:${summary}`)).join(" ")})
        _describe command commands
        return
      fi
      shift words; (( CURRENT-- ))
      case $words[1] in
${seconds.map(({ second, flags }) => `        ${second})\n${argumentsOf(flags, "          ")} ;;`).join("\n")}
      esac ;;`;
}

function argumentsOf(flags: readonly FlagWord[], indent: string): string {
  const written = flags.map(({ name, help, values }) => {
    const action = values === undefined ? "" : values.length === 0 ? ":value:_files" : `:value:(${values.join(" ")})`;
    return quoted(`${name}[${plain(help)}]${action}`);
  });
  return `${indent}_arguments ${[...written, "'*:path:_files'"].join(` \\\n${indent}  `)}`;
}
