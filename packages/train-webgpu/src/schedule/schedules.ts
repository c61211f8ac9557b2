/** Where a schedule stands: steps are counted from 0, `warmup` of them rise, `total` is the length of the run. */
interface Place {
  step: number;
  warmup: number;
  total: number;
  /** The peak learning rate. */
  peak: number;
}

/** The options that Hugging Face passes as `lr_scheduler_kwargs`, by schedule. */
export interface ScheduleOptions {
  /** Waves (cosine schedules; 0.5 falls once) or restarts (`cosine_with_restarts`). */
  numCycles?: number;
  /** Exponent of `polynomial`, 1 unless given. */
  power?: number;
  /** Learning rate at the end of `polynomial`, 1e-7 unless given. */
  lrEnd?: number;
  /** Steps of `inverse_sqrt` that divide the rate by sqrt(2); the warmup unless given, 10,000 without one. */
  timescale?: number;
  /** Lowest learning rate of `cosine_with_min_lr`, as such or as a fraction of the peak. */
  minLr?: number;
  minLrRate?: number;
  /** Falling steps at the end of `warmup_stable_decay`. */
  numDecaySteps?: number;
  /** Steps at the peak; all that warmup and decay leave unless given. */
  numStableSteps?: number;
  /** Fraction of the peak from which `warmup_stable_decay` rises and to which it falls. */
  minLrRatio?: number;
}

type Schedule = (place: Place, options: ScheduleOptions) => number;

const rising: Schedule = ({ step, warmup }) => step / Math.max(1, warmup);
const progress = ({ step, warmup, total }: Place) => (step - warmup) / Math.max(1, total - warmup);
const wave = (cycles: number, done: number) => 0.5 * (1 + Math.cos(2 * Math.PI * cycles * done));

/** A schedule that first rises from 0 to 1 in a straight line. */
const warmedUp =
  (after: Schedule): Schedule =>
  (place, options) =>
    place.step < place.warmup ? rising(place, options) : after(place, options);

function polynomial({ step, warmup, total, peak }: Place, { power = 1, lrEnd = 1e-7 }: ScheduleOptions): number {
  if (!(peak > lrEnd)) {
    throw new RangeError(
      `learningRateAt: polynomial falls from ${peak} to lrEnd ${lrEnd}; the learning rate must be the larger one`,
    );
  }
  if (step > total) return lrEnd / peak;
  const left = 1 - (step - warmup) / Math.max(1, total - warmup);
  return ((peak - lrEnd) * left ** power + lrEnd) / peak;
}

function inverseSqrt({ step, warmup }: Place, { timescale = warmup || 10_000 }: ScheduleOptions): number {
  const shift = timescale - warmup;
  return 1 / Math.sqrt((step + shift) / timescale);
}

function cosineWithMinLr(place: Place, { numCycles = 0.5, minLr, minLrRate }: ScheduleOptions): number {
  if ((minLr === undefined) === (minLrRate === undefined)) {
    throw new RangeError(
      `learningRateAt: cosine_with_min_lr has minLr ${minLr} and minLrRate ${minLrRate}; give exactly one of them`,
    );
  }
  const floor = minLrRate ?? minLr! / place.peak;
  return Math.max(0, wave(numCycles, progress(place)) * (1 - floor) + floor);
}

function warmupStableDecay({ step, warmup, total }: Place, options: ScheduleOptions): number {
  const { numDecaySteps: decay, numCycles = 0.5, minLrRatio: floor = 0 } = options;
  if (decay === undefined) {
    throw new RangeError("learningRateAt: warmup_stable_decay has no numDecaySteps; give the number of falling steps");
  }
  const stable = options.numStableSteps ?? total - warmup - decay;
  const above = (part: number) => Math.max(0, part * (1 - floor) + floor);
  if (step < warmup) return above(step / Math.max(1, warmup));
  if (step < warmup + stable) return 1;
  if (step < warmup + stable + decay) return above(wave(numCycles, (step - warmup - stable) / Math.max(1, decay)));
  return floor;
}

/**
 * The learning-rate schedules of transformers' `get_scheduler`, by `lr_scheduler_type`: fraction of the peak at a step.
 */
export const SCHEDULES = {
  linear: warmedUp((place) => Math.max(0, (place.total - place.step) / Math.max(1, place.total - place.warmup))),
  cosine: warmedUp((place, { numCycles = 0.5 }) => Math.max(0, wave(numCycles, progress(place)))),
  cosine_with_restarts: warmedUp((place, { numCycles = 1 }) =>
    progress(place) >= 1 ? 0 : Math.max(0, wave(0.5, (numCycles * progress(place)) % 1)),
  ),
  polynomial: warmedUp(polynomial),
  constant: () => 1,
  constant_with_warmup: warmedUp(() => 1),
  inverse_sqrt: warmedUp(inverseSqrt),
  cosine_with_min_lr: warmedUp(cosineWithMinLr),
  warmup_stable_decay: warmupStableDecay,
} satisfies Record<string, Schedule>;

export type ScheduleName = keyof typeof SCHEDULES;
