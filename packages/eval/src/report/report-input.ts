/** A table cell: text, a number, nothing, or a number with its 95% interval. */
export type Cell = string | number | null | { value: number; ci: [number, number] | null };

export interface ReportColumn {
  key: string;
  label: string;
  /** "percent" takes rates from 0 to 1 and shows them times 100; "text" unless told. */
  kind?: "text" | "number" | "percent";
  digits?: number;
  /** Which end is better: the best cell is set in bold. */
  best?: "max" | "min";
}

export interface ReportTable {
  title: string;
  note?: string;
  columns: ReportColumn[];
  rows: Record<string, Cell>[];
  /** Rows to set off from the rest, by index: yours beside the paper's. */
  highlight?: number[];
}

export interface CurveSeries {
  name: string;
  x: number[];
  y: (number | null)[];
}

/** One chart; its series share the axes. */
export interface ReportCurves {
  title: string;
  note?: string;
  xLabel?: string;
  yLabel?: string;
  series: CurveSeries[];
}

/** The counts of a `Comparison` (or of a stored one): rates from 0 to 1. */
export interface ReportComparison {
  a: string;
  b: string;
  win_rate: number | null;
  ci95: [number, number] | null;
  wins: number;
  losses: number;
  ties: number;
  errors?: number;
}

export interface ReportRadar {
  title: string;
  note?: string;
  axes: string[];
  /** The outer ring; scores start at 0 in the centre. */
  max: number;
  series: { name: string; values: (number | null)[] }[];
}

export interface ReportSample {
  prompt: string;
  /** Category, source or verdict, shown beside the prompt. */
  label?: string;
  answers: { name: string; content: string; note?: string }[];
}

export interface ReportStage {
  name: string;
  seconds: number;
  /** What came out of it: "1,500 rows", "400 steps". */
  note?: string;
}

/** Everything `report` can show; a part that is absent or empty is left out. */
export interface ReportInput {
  title: string;
  /** One sentence on what was run and what came out. */
  summary?: string;
  /** Machine, commit, seed, licence notes: shown as a list of terms. */
  facts?: Record<string, string | number | null>;
  tables?: ReportTable[];
  comparisons?: ReportComparison[];
  curves?: ReportCurves[];
  radars?: ReportRadar[];
  samples?: ReportSample[];
  stages?: ReportStage[];
}
