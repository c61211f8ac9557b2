/** A table cell: text, a number, nothing, or a number with its 95% interval. */
export type Cell = string | number | null | { value: number; ci: [number, number] | null };

/** A column of a table: the key of its cells, and how they are written. */
export interface ReportColumn {
  key: string;
  label: string;
  /** "percent" takes rates from 0 to 1 and shows them times 100; "text" unless told. */
  kind?: "text" | "number" | "percent";
  digits?: number;
  /** Which end is better: the best cell is set in bold. */
  best?: "max" | "min";
}

/** A table. */
export interface ReportTable {
  title: string;
  note?: string;
  columns: ReportColumn[];
  rows: Record<string, Cell>[];
  /** Rows to set off from the rest, by index: yours beside the paper's. */
  highlight?: number[];
}

/** One line of a chart; null leaves a gap. */
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

/** A radar chart: scores of several systems on common axes. */
export interface ReportRadar {
  title: string;
  note?: string;
  axes: string[];
  /** The outer ring; scores start at 0 in the centre. */
  max: number;
  series: { name: string; values: (number | null)[]; intervals?: ([number, number] | null)[] }[];
}

/** A prompt with several systems' answers side by side. */
export interface ReportSample {
  prompt: string;
  /** Category, source or verdict, shown beside the prompt. */
  label?: string;
  /** Samples of one group stand together behind one heading: a category, "won". */
  group?: string;
  answers: { name: string; content: string; note?: string }[];
}

/** A stage of a run, and what it took. */
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
