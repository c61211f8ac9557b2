import type { Cell, ReportTable } from "../report/report-input.ts";

/**
 * The numbers of the Zephyr paper (Tunstall et al. 2023, arXiv 2310.16944), to stand beside one's own: MT-Bench from 1
 * to 10, AlpacaEval win rate in percent with its standard error, the academic tasks in percent.
 */
interface ChatRow {
  model: string;
  size: string | null;
  align: string | null;
  mt_bench: number | null;
  alpaca_eval: number | null;
  alpaca_eval_se: number | null;
}

/** Table 1: chat benchmarks. */
export const PAPER_TABLE_1: readonly ChatRow[] = [
  { model: "StableLM-Tuned-alpha", size: "7B", align: "dSFT", mt_bench: 2.75, alpaca_eval: null, alpaca_eval_se: null },
  { model: "MPT-Chat", size: "7B", align: "dSFT", mt_bench: 5.42, alpaca_eval: null, alpaca_eval_se: null },
  { model: "Xwin-LM v0.1", size: "7B", align: "dPPO", mt_bench: 6.19, alpaca_eval: 87.83, alpaca_eval_se: 1.15 },
  { model: "Mistral-Instruct v0.1", size: "7B", align: null, mt_bench: 6.84, alpaca_eval: null, alpaca_eval_se: null },
  { model: "Zephyr", size: "7B", align: "dDPO", mt_bench: 7.34, alpaca_eval: 90.6, alpaca_eval_se: 1.03 },
  { model: "Falcon-Instruct", size: "40B", align: "dSFT", mt_bench: 5.17, alpaca_eval: 45.71, alpaca_eval_se: 1.75 },
  { model: "Guanaco", size: "65B", align: "SFT", mt_bench: 6.41, alpaca_eval: 71.8, alpaca_eval_se: 1.59 },
  { model: "Llama2-Chat", size: "70B", align: "RLHF", mt_bench: 6.86, alpaca_eval: 92.66, alpaca_eval_se: 0.91 },
  { model: "Vicuna v1.3", size: "33B", align: "dSFT", mt_bench: 7.12, alpaca_eval: 88.99, alpaca_eval_se: 1.1 },
  { model: "WizardLM v1.0", size: "70B", align: "dSFT", mt_bench: 7.71, alpaca_eval: null, alpaca_eval_se: null },
  { model: "Xwin-LM v0.1", size: "70B", align: "dPPO", mt_bench: null, alpaca_eval: 95.57, alpaca_eval_se: 0.72 },
  { model: "GPT-3.5-turbo", size: null, align: "RLHF", mt_bench: 7.94, alpaca_eval: 89.37, alpaca_eval_se: 1.08 },
  { model: "Claude 2", size: null, align: "RLHF", mt_bench: 8.06, alpaca_eval: 91.36, alpaca_eval_se: 0.99 },
  { model: "GPT-4", size: null, align: "RLHF", mt_bench: 8.99, alpaca_eval: 95.28, alpaca_eval_se: 0.72 },
];

/** Table 2: Open LLM Leaderboard tasks. */
export const PAPER_TABLE_2 = [
  { model: "StableLM-Tuned-alpha", size: "7B", align: "dSFT", arc: 31.91, hellaswag: 53.59, mmlu: 24.41, truthfulqa: 40.37 },
  { model: "MPT-Chat", size: "7B", align: "dSFT", arc: 46.5, hellaswag: 75.51, mmlu: 37.62, truthfulqa: 40.16 },
  { model: "Xwin-LM v0.1", size: "7B", align: "dPPO", arc: 56.57, hellaswag: 79.4, mmlu: 49.98, truthfulqa: 47.89 },
  { model: "Mistral-Instruct v0.1", size: "7B", align: "dSFT", arc: 54.52, hellaswag: 75.63, mmlu: 55.38, truthfulqa: 56.28 },
  { model: "Zephyr", size: "7B", align: "dDPO", arc: 62.03, hellaswag: 84.52, mmlu: 61.44, truthfulqa: 57.44 },
  { model: "Falcon-Instruct", size: "40B", align: "dSFT", arc: 61.6, hellaswag: 84.31, mmlu: 55.45, truthfulqa: 52.52 },
  { model: "Guanaco", size: "65B", align: "SFT", arc: 65.44, hellaswag: 86.47, mmlu: 62.92, truthfulqa: 52.81 },
  { model: "Llama2-Chat", size: "70B", align: "RLHF", arc: 67.32, hellaswag: 87.33, mmlu: 69.83, truthfulqa: 44.92 },
  { model: "Vicuna v1.3", size: "33B", align: "dSFT", arc: 62.12, hellaswag: 83.0, mmlu: 59.22, truthfulqa: 56.16 },
  { model: "WizardLM v1.0", size: "70B", align: "dSFT", arc: 64.08, hellaswag: 85.4, mmlu: 64.97, truthfulqa: 54.76 },
  { model: "Xwin-LM v0.1", size: "70B", align: "dPPO", arc: 70.22, hellaswag: 87.25, mmlu: 69.77, truthfulqa: 59.86 },
] as const;

/** Table 3: what each stage adds. */
export const PAPER_TABLE_3 = [
  { align: "dDPO - dSFT", mt_bench: 4.76, alpaca_eval: 30.76, alpaca_eval_se: 1.63 },
  { align: "dSFT-1", mt_bench: 6.64, alpaca_eval: 85.65, alpaca_eval_se: 1.23 },
  { align: "dSFT-2", mt_bench: 6.19, alpaca_eval: 78.54, alpaca_eval_se: 1.44 },
  { align: "dDPO + dSFT", mt_bench: 7.0, alpaca_eval: 86.07, alpaca_eval_se: 1.22 },
] as const;

/** Your rows for one of the paper's tables; keys as in the table, absent ones stay empty. */
export type OwnRow = Record<string, Cell>;

/** Table 1 with your models below it, set off. */
export function chatTable(own: readonly OwnRow[] = []): ReportTable {
  const rows = PAPER_TABLE_1.map((row) => ({
    ...row,
    alpaca_eval: withError(row.alpaca_eval, row.alpaca_eval_se),
    alpaca_eval_se: null,
  }));
  return beside("Chat benchmarks, beside the paper's Table 1", [...MODEL_COLUMNS, ...CHAT_COLUMNS], rows, own);
}

/** Table 2 with your models below it, set off. */
export function academicTable(own: readonly OwnRow[] = []): ReportTable {
  const columns = ["arc", "hellaswag", "mmlu", "truthfulqa"].map((key) => ({
    key,
    label: ACADEMIC_LABELS[key]!,
    kind: "number" as const,
    digits: 2,
  }));
  return beside("Open LLM Leaderboard tasks, beside the paper's Table 2", [...MODEL_COLUMNS, ...columns], PAPER_TABLE_2, own);
}

/** Table 3 with your systems below it, set off. */
export function ablationTable(own: readonly OwnRow[] = []): ReportTable {
  const rows = PAPER_TABLE_3.map((row) => ({ ...row, alpaca_eval: withError(row.alpaca_eval, row.alpaca_eval_se) }));
  return beside(
    "What each stage adds, beside the paper's Table 3",
    [{ key: "align", label: "Align" }, ...CHAT_COLUMNS],
    rows,
    own,
  );
}

const MODEL_COLUMNS: ReportTable["columns"] = [
  { key: "model", label: "Model" },
  { key: "size", label: "Size" },
  { key: "align", label: "Align" },
];
const CHAT_COLUMNS: ReportTable["columns"] = [
  { key: "mt_bench", label: "MT-Bench", kind: "number", digits: 2 },
  { key: "alpaca_eval", label: "AlpacaEval, %", kind: "number", digits: 2 },
];
const ACADEMIC_LABELS: Record<string, string> = { arc: "ARC", hellaswag: "HellaSwag", mmlu: "MMLU", truthfulqa: "TruthfulQA" };

const withError = (value: number | null, error: number | null): Cell =>
  value === null || error === null ? value : { value, ci: [value - 1.96 * error, value + 1.96 * error] };

function beside(
  title: string,
  columns: ReportTable["columns"],
  paper: readonly Record<string, Cell>[],
  own: readonly OwnRow[],
): ReportTable {
  const source = "The paper's rows are from arXiv 2310.16944, its standard errors turned into 95% intervals.";
  const note = own.length > 0 ? `${source} Shaded rows: yours.` : source;
  return { title, note, columns, rows: [...paper, ...own], highlight: own.map((_, i) => paper.length + i) };
}
