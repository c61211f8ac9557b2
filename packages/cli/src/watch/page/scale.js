// @ts-check
/** Numbers behind the drawing: no element is touched here. */

/** @typedef {{ x: number[], y: number[] }} Series Values `y` at the steps `x`, which grow. */

/**
 * Exponential mean as TensorBoard draws it, freed of the bias to its start (Kingma and Ba 2015, algorithm 1). 0 leaves the values as they are.
 * @param {readonly number[]} values
 * @param {number} weight Of what went before, from 0 to below 1.
 */
export function smooth(values, weight) {
  let mean = 0;
  let total = 0;
  return values.map((value) => {
    mean = weight * mean + (1 - weight) * value;
    total = weight * total + (1 - weight);
    return mean / total;
  });
}

/**
 * Index of the first element that is not below `value`.
 * @param {readonly number[]} sorted
 * @param {number} value
 */
export function lowerBound(sorted, value) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (/** @type {number} */ (sorted[middle]) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Index of the element next to `value`; -1 in an empty list.
 * @param {readonly number[]} sorted
 * @param {number} value
 */
export function nearest(sorted, value) {
  const at = lowerBound(sorted, value);
  const [below, above] = [sorted[at - 1], sorted[at]];
  if (above === undefined) return sorted.length - 1;
  if (below === undefined) return at;
  return value - below <= above - value ? at - 1 : at;
}

/**
 * The part of a series from step `from` to `to`, with one point on either side, so that lines go on to the edge.
 * @param {Series} series
 * @param {number} from
 * @param {number} to
 * @returns {Series}
 */
export function part({ x, y }, from, to) {
  const start = Math.max(0, lowerBound(x, from) - 1);
  const end = Math.min(x.length, lowerBound(x, to) + 1);
  return { x: x.slice(start, end), y: y.slice(start, end) };
}

/**
 * At most 2 `columns` points that keep the lowest and the highest value of each column.
 * @param {Series} series
 * @param {number} columns
 * @returns {Series}
 */
export function thin({ x, y }, columns) {
  if (x.length <= 2 * columns) return { x, y };
  const size = x.length / columns;
  /** @type {Series} */
  const kept = { x: [], y: [] };
  for (let column = 0; column < columns; column++) {
    const [start, end] = [Math.floor(column * size), Math.floor((column + 1) * size)];
    let [low, high] = [start, start];
    for (let i = start; i < end; i++) {
      if (at(y, i) < at(y, low)) low = i;
      if (at(y, i) > at(y, high)) high = i;
    }
    for (const i of new Set(low < high ? [low, high] : [high, low])) {
      kept.x.push(at(x, i));
      kept.y.push(at(y, i));
    }
  }
  return kept;
}

/**
 * Lowest and highest value with a margin; of equal values, or none, a range around them.
 * @param {readonly number[]} values
 * @returns {[number, number]}
 */
export function extent(values) {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return [0, 1];
  if (low === high) return [low - Math.max(Math.abs(low) * 0.1, 1e-12), high + Math.max(Math.abs(high) * 0.1, 1e-12)];
  const margin = 0.06 * (high - low);
  // A quantity that never goes below zero should not seem to.
  return [low >= 0 ? Math.max(0, low - margin) : low - margin, high + margin];
}

/**
 * At most `count` + 1 round numbers inside [low, high].
 * @param {number} low
 * @param {number} high
 * @param {number} count
 */
export function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((each) => each >= rough * (1 - 1e-9)) ?? rough;
  const [first, last] = [Math.ceil(low / step - 1e-9), Math.floor(high / step + 1e-9)];
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/**
 * A number with up to four digits and no exponent where it can be avoided: 0.0123, 1,234, 5e-7.
 * @param {number} value
 */
export function compact(value) {
  const size = Math.abs(value);
  if (value === 0) return "0";
  if (size < 1e-3 || size >= 1e7)
    return value
      .toExponential(2)
      .replace(/\.?0+e/, "e")
      .replace("e+", "e");
  if (size >= 1000) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(4)));
}

/**
 * US dollars as $0.0123, $1.23, $1,234.56.
 * @param {number} usd
 */
export function dollars(usd) {
  const digits = usd > 0 && usd < 1 ? 4 : 2;
  return `$${usd.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}

/**
 * Seconds as 45 s, 2 min 05 s, 1 h 04 min, 3 d 4 h.
 * @param {number} seconds
 */
export function duration(seconds) {
  const whole = Math.round(seconds);
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

/**
 * @param {readonly number[]} list
 * @param {number} index Inside the list.
 */
function at(list, index) {
  return /** @type {number} */ (list[index]);
}
