/** One figure and what it may be: at most `bar`, and where `least` is given at least that. */
export interface Measured {
  what: string;
  measured: number;
  bar: number;
  least?: number;
  unit?: string;
}
