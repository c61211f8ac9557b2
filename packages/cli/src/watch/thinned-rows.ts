/** Numbers of one step: `step`, and metrics by name. */
export type Row = { step: number } & Record<string, number>;

/** The rows of a run of any length in bounded memory. */
export interface ThinnedRows {
  /** Whether the row is one of those that are kept. */
  push(row: Row): boolean;
  /** Forgets the rows after a step; whether there were any. */
  cutAfter(step: number): boolean;
  readonly rows: readonly Row[];
  /** Every so manieth row is kept. */
  readonly stride: number;
}

/** Keeps all rows up to `limit`, then every second, every fourth, ... of the whole run. */
export function thinnedRows(limit: number): ThinnedRows {
  let rows: Row[] = [];
  let stride = 1;
  let count = 0;
  return {
    push(row) {
      if (count++ % stride !== 0) return false;
      rows.push(row);
      if (rows.length > limit) {
        rows = rows.filter((_, i) => i % 2 === 0);
        stride *= 2;
      }
      return true;
    },
    cutAfter(step) {
      const before = rows.length;
      rows = rows.filter((row) => row.step <= step);
      return rows.length < before;
    },
    get rows() {
      return rows;
    },
    get stride() {
      return stride;
    },
  };
}
