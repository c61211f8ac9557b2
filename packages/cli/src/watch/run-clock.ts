import type { TimingLine } from "../training/timing.ts";
import type { Row } from "./thinned-rows.ts";

/** The last so many steps say how fast a run is now. */
const WINDOW = 50;

/** What the times of a run's steps say. */
export interface RunClock {
  /** The rates of a step as a row; undefined for the first after a start, whose time holds the compilation of the kernels. */
  tick(line: TimingLine): Row | undefined;
  readonly maxSteps: number | undefined;
  /** Seconds to the end at the speed of the last 50 steps; undefined until it is known. */
  secondsLeft(): number | undefined;
}

/** A clock for the lines of `timing.jsonl`, in order. */
export function runClock(): RunClock {
  let recent: TimingLine[] = [];
  return {
    tick(line) {
      const last = recent.at(-1);
      if (line.begin || (last && line.step <= last.step)) recent = [];
      recent = [...recent.slice(-WINDOW), line];
      if (line.begin || last === undefined || last.begin || recent.length < 2) return undefined;
      const seconds = line.time - last.time;
      if (!(seconds > 0)) return undefined;
      return {
        step: line.step,
        tokens_per_second: (line.num_tokens - last.num_tokens) / seconds,
        samples_per_second: (line.samples - last.samples) / seconds,
        seconds_per_step: seconds / (line.step - last.step),
        memory_mib: line.memory_mib,
      };
    },
    get maxSteps() {
      return recent.at(-1)?.max_steps;
    },
    secondsLeft() {
      const steps = recent.filter(({ begin }) => !begin);
      const [first, last] = [steps[0], steps.at(-1)];
      if (!first || !last || last.step === first.step) return undefined;
      return ((last.time - first.time) / (last.step - first.step)) * Math.max(0, last.max_steps - last.step);
    },
  };
}
