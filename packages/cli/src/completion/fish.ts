import type { CommandWords } from "./command-words.ts";

/** A text between single quotes. */
const quoted = (text: string): string => `'${text.replace(/[\\']/g, "\\$&")}'`;

/** The completion script of fish: `zephyr completion fish > ~/.config/fish/completions/zephyr.fish`. */
export function fishScript(commands: readonly CommandWords[]): string {
  const firsts = commands.map(({ name }) => name.split(" ")[0]!);
  const lines = commands.flatMap(({ name, summary, flags }, i) => {
    const [first, second] = name.split(" ");
    const about = second === undefined ? summary : `${first} ...`;
    const start = firsts.indexOf(first!) === i ? [`complete -c zephyr -n __zephyr_first -f -a ${first} -d ${quoted(about)}`] : [];
    const next =
      second === undefined ? [] : [`complete -c zephyr -n '__zephyr_second ${first}' -f -a ${second} -d ${quoted(summary)}`];
    const options = flags.map(({ name: flag, help, values }) => {
      const value = values === undefined ? "" : values.length === 0 ? " -r" : ` -x -a ${quoted(values.join(" "))}`;
      return `complete -c zephyr -n '__zephyr_in ${name}' -l ${flag.slice(2)}${value} -d ${quoted(help)}`;
    });
    return [...start, ...next, ...options];
  });
  return `# zephyr's completion for fish: zephyr completion fish > ~/.config/fish/completions/zephyr.fish
function __zephyr_first
  test (count (commandline -opc)) -eq 1
end
function __zephyr_second
  set -l words (commandline -opc)
  test (count $words) -eq 2; and test "$words[2]" = "$argv[1]"
end
function __zephyr_in
  set -l words (commandline -opc)
  set -l last (math 1 + (count $argv))
  test (count $words) -ge $last; and test "$words[2..$last]" = "$argv"
end
${lines.join("\n")}
`;
}
