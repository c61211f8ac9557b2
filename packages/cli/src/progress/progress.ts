/** Where progress is shown: a terminal, or a log that keeps every line. */
export interface ProgressStream {
  write(text: string): unknown;
  isTTY?: boolean | undefined;
  columns?: number | undefined;
}

/** One piece of work that is under way. */
export interface Progress {
  /** `done` of the total (which may become known only now); `detail` stands at the end of the line. */
  update(done: number, detail?: string, total?: number): void;
  end(): void;
}

/** Everything that goes to stderr: bars, or lines now and then, and notes between them. */
export interface Reporter {
  /** Starts a bar; without `total` only the count is shown. */
  progress(label: string, total?: number): Progress;
  /** A line that stays. */
  note(line: string): void;
  /** A line that the next one replaces; on no terminal it is shown now and then. */
  status(line: string): void;
}

const REDRAW_MS = 100;
const LINE_MS = 10_000;

/**
 * A reporter on stderr: a bar that is redrawn where it is a terminal, else a plain line at most every 10 seconds and at the end.
 * `NO_COLOR` takes the colours away.
 */
export function createReporter(
  stream: ProgressStream,
  env: Record<string, string | undefined>,
  now: () => number = () => performance.now(),
): Reporter {
  const live = stream.isTTY === true && env["TERM"] !== "dumb";
  const colour = live && (env["NO_COLOR"] ?? "") === "";
  let shown = "";
  let last = Number.NEGATIVE_INFINITY;
  const clear = (): void => {
    if (shown !== "") stream.write("\r\u001b[K");
    shown = "";
  };
  const draw = (line: string): void => {
    clear();
    stream.write(line);
    shown = line;
  };
  const status = (line: string, force = false): void => {
    if (!force && now() - last < (live ? REDRAW_MS : LINE_MS)) return;
    last = now();
    if (live) draw(fit(line, stream.columns));
    else stream.write(`${line}\n`);
  };
  return {
    status: (line) => status(line),
    note(line) {
      clear();
      stream.write(`${line}\n`);
    },
    progress(label, total) {
      const started = now();
      let latest = "";
      let printed: string | undefined;
      let before: number | undefined;
      last = Number.NEGATIVE_INFINITY;
      return {
        update(done, detail = "", known = total) {
          before ??= done - 1;
          const seconds = (now() - started) / 1000;
          latest = progressLine({ label, done, before, total: known, detail, seconds, bar: live });
          const lastShown = last;
          status(latest);
          if (last !== lastShown) printed = latest;
        },
        end() {
          if (latest === "") return;
          clear();
          if (printed !== latest || live) stream.write(`${colour ? `\u001b[32m${latest}\u001b[39m` : latest}\n`);
          latest = "";
        },
      };
    },
  };
}

interface Line {
  label: string;
  done: number;
  /** How much was done when the work began: by a run that this one goes on with. */
  before: number;
  total: number | undefined;
  detail: string;
  seconds: number;
  bar: boolean;
}

function progressLine({ label, done, before, total, detail, seconds, bar }: Line): string {
  const parts = [label];
  if (total === undefined) parts.push(`${done}`);
  else {
    const fraction = total === 0 ? 1 : Math.min(1, done / total);
    if (bar) parts.push("━".repeat(Math.round(fraction * 20)).padEnd(20, "╌"));
    parts.push(`${done}/${total}`);
    if (done > before && done < total) parts.push(`${duration((seconds / (done - before)) * (total - done))} left`);
    else if (done >= total) parts.push(duration(seconds));
  }
  if (detail !== "") parts.push(detail);
  return parts.join("  ");
}

/** `75` as `1:15`, `3675` as `1:01:15`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number): string => String(n).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

function fit(line: string, columns: number | undefined): string {
  return columns !== undefined && line.length >= columns ? line.slice(0, Math.max(0, columns - 1)) : line;
}
