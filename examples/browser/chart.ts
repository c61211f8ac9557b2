const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 340;
const HEIGHT = 190;
const LEFT = 44;
const RIGHT = 10;
const TOP = 10;
const BOTTOM = 26;

/** A curve that grows. */
export interface Chart {
  element: HTMLElement;
  add(x: number, y: number): void;
  clear(): void;
}

interface ChartOptions {
  title: string;
  note: string;
  /** Always on the y axis, such as 0 and 1 for a share. */
  include?: readonly number[];
}

/** A line chart of one series as SVG: raw values faint, their running mean on top, and a sentence for screen readers. */
export function createChart({ title, note, include = [] }: ChartOptions): Chart {
  const figure = document.createElement("figure");
  const heading = document.createElement("figcaption");
  const value = document.createElement("span");
  value.className = "value";
  heading.append(title, value);
  const svg = svgElement("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  const explanation = document.createElement("p");
  explanation.className = "note";
  explanation.textContent = note;
  figure.append(heading, svg, explanation);
  let points: Point[] = [];
  let due = false;
  const draw = (): void => {
    due = false;
    value.textContent = points.length > 0 ? compact(smooth(points).at(-1)!.y) : "";
    svg.setAttribute("aria-label", describe(title, points));
    svg.replaceChildren(...drawing(points, include));
  };
  const redraw = (): void => {
    if (due) return;
    due = true;
    requestAnimationFrame(draw);
  };
  draw();
  return {
    element: figure,
    add(x, y) {
      points.push({ x, y });
      redraw();
    },
    clear() {
      points = [];
      redraw();
    },
  };
}

interface Point {
  x: number;
  y: number;
}

function drawing(points: Point[], include: readonly number[]): SVGElement[] {
  const xs = points.map(({ x }) => x);
  const ys = [...points.map(({ y }) => y), ...include];
  const [x0, x1] = [1, Math.max(2, ...xs)];
  const [y0, y1] = range(ys);
  const sx = (x: number): number => LEFT + ((x - x0) / (x1 - x0)) * (WIDTH - LEFT - RIGHT);
  const sy = (y: number): number => HEIGHT - BOTTOM - ((y - y0) / (y1 - y0)) * (HEIGHT - TOP - BOTTOM);
  const axes = points.length + include.length === 0 ? [] : ticks(y0, y1).flatMap((y) => axis(y, sy(y)));
  const end =
    points.length === 0 ? [] : [label(compact(x1), WIDTH - RIGHT, HEIGHT - 8, "end"), label("step", LEFT, HEIGHT - 8, "start")];
  return [...axes, ...end, line(points, "raw", sx, sy), line(smooth(points), "mean", sx, sy)];
}

function axis(y: number, at: number): SVGElement[] {
  const rule = svgElement("line", { class: "axis", x1: LEFT, x2: WIDTH - RIGHT, y1: at, y2: at });
  return [rule, label(compact(y), LEFT - 6, at + 4, "end")];
}

function label(text: string, x: number, y: number, anchor: string): SVGElement {
  const element = svgElement("text", { x, y, "text-anchor": anchor });
  element.textContent = text;
  return element;
}

function line(points: Point[], kind: string, sx: (x: number) => number, sy: (y: number) => number): SVGElement {
  const list = points.map(({ x, y }) => `${sx(x).toFixed(1)},${sy(y).toFixed(1)}`).join(" ");
  return svgElement("polyline", { class: kind, points: list });
}

/** Mean over the last twelfth of the run so far. */
function smooth(points: Point[]): Point[] {
  const reach = Math.max(1, Math.round(points.length / 12));
  return points.map(({ x }, i) => {
    const near = points.slice(Math.max(0, i - reach + 1), i + 1);
    return { x, y: near.reduce((sum, { y }) => sum + y, 0) / near.length };
  });
}

function range(ys: number[]): [number, number] {
  if (ys.length === 0) return [0, 1];
  const [low, high] = [Math.min(...ys), Math.max(...ys)];
  if (low === high) return [low - 0.5, high + 0.5];
  const margin = 0.06 * (high - low);
  // A quantity that never goes below zero should not seem to.
  return [low >= 0 ? Math.max(0, low - margin) : low - margin, high + margin];
}

/** Round numbers from `low` to `high`, at most five. */
function ticks(low: number, high: number): number[] {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough;
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, i) => (first + i) * step);
}

function describe(title: string, points: Point[]): string {
  const means = smooth(points);
  const [first, last] = [means[0], means.at(-1)];
  if (!first || !last) return `${title}: nothing yet`;
  return `${title}: from ${compact(first.y)} at step ${first.x} to ${compact(last.y)} at step ${last.x}`;
}

function compact(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function svgElement(name: string, attributes: Record<string, string | number>): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}
