import type { BarResult, CaseResult, MeasureResult, Spread } from "./compare.ts";
import { PEERS, type Peer } from "./stacks.ts";

/** The comparison as Markdown, a row per case; stacks that have no line of any case have no column. */
export function tableOf(cases: CaseResult[], measures: MeasureResult[]): string {
  const peers = PEERS.filter((peer) => cases.some(({ values }) => values[peer] !== undefined));
  const has = (key: "overJavascript" | "overTorch" | "overTrl"): boolean => cases.some((one) => one[key] !== undefined);
  const ratios = (
    [
      ["overJavascript", "as fast as the better of jax-js and tfjs"],
      ["overTorch", "time over PyTorch's"],
      ["overTrl", "time over TRL's"],
    ] as const
  ).filter(([key]) => has(key));
  const header = ["case", "zephyr", ...peers, ...ratios.map(([, title]) => title), "bar", "same numbers"];
  const rows = cases.map((one) => [
    one.case,
    ...(["zephyr", ...peers] as Peer[]).map((peer) => cell(one, peer)),
    ...ratios.map(([key]) => spreadText(one[key])),
    one.bars.map((bar) => barText(bar, bar.against === "javascript" ? "at least" : "PyTorch: at most")).join("; "),
    agreementText(one),
  ]);
  const table = [header, header.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
  if (measures.length === 0) return table;
  const own = measures.map(
    (measure) =>
      `| ${measure.name} | ${spreadText(measure.value)} ${measure.unit} | ${measure.bars.map((bar) => barText(bar, "at most")).join("; ")} |`,
  );
  return `${table}\n\n| measure | value | bar |\n| --- | --- | --- |\n${own.join("\n")}`;
}

const cell = ({ case: name, values }: CaseResult, peer: Peer): string => {
  const value = values[peer];
  if (value === undefined) return "";
  return `${short(value)} ${name.startsWith("peak_memory") ? "MiB" : "ms"}`;
};

function spreadText(spread: Spread | undefined): string {
  if (!spread) return "";
  const { median, least, most } = spread;
  return least === most ? short(median) : `${short(median)} (${short(least)}-${short(most)})`;
}

const barText = ({ bar, aim, reached }: BarResult, which: string): string =>
  `${which} ${bar}${aim === undefined ? "" : `, aim ${aim}`}: ${reached ? "reached" : "missed"}`;

function agreementText({ agreement }: CaseResult): string {
  if (agreement.length === 0) return "";
  const off = agreement.filter(({ agrees }) => !agrees);
  const told = off.map(({ peer, quantity, zephyr, peers }) => `${peer} has ${quantity} ${peers}, not ${zephyr}`);
  if (off.length > 0) return `NO: ${told.join("; ")}`;
  const ours = new Map(agreement.map(({ quantity, zephyr }) => [quantity, zephyr]));
  return `yes: ${[...ours].map((pair) => pair.join(" ")).join(", ")}`;
}

const short = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
