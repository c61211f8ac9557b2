/** Pairs of about the same confidence. */
export interface CalibrationBin {
  /** Confidence range of the bin, from 0.5 to 1. */
  lo: number;
  hi: number;
  n: number;
  /** Mean confidence sigmoid(|margin|) in the bin, and the share of it that was right; null when empty. */
  confidence: number | null;
  accuracy: number | null;
}

/** Whether rewards are as sure as they are right. */
export interface Calibration {
  bins: CalibrationBin[];
  /** Expected calibration error: mean |confidence - accuracy| over pairs, by bin. */
  expected_calibration_error: number;
  /** Mean of -log sigmoid(margin), in nats: log 2 for a reward that knows nothing. */
  log_loss: number;
  /** Mean of (1 - sigmoid(margin))^2: 0.25 for a reward that knows nothing. */
  brier: number;
}

const BINS = 10;

/**
 * Does sigmoid(margin), the Bradley-Terry probability that chosen beats rejected, mean what it says? Ten equal bins of
 * confidence. Source: Guo et al. 2017 for the expected calibration error; Bradley and Terry 1952.
 */
export function calibration(margins: readonly number[]): Calibration {
  const bins = Array.from({ length: BINS }, () => ({ n: 0, confidence: 0, right: 0 }));
  let logLoss = 0;
  let brier = 0;
  for (const margin of margins) {
    const confidence = 1 / (1 + Math.exp(-Math.abs(margin)));
    const bin = bins[Math.min(BINS - 1, Math.floor((confidence - 0.5) * 2 * BINS))]!;
    bin.n++;
    bin.confidence += confidence;
    bin.right += margin > 0 ? 1 : margin === 0 ? 0.5 : 0;
    logLoss += Math.max(0, -margin) + Math.log1p(Math.exp(-Math.abs(margin)));
    brier += (margin > 0 ? 1 - confidence : confidence) ** 2;
  }
  return {
    bins: bins.map((bin, i) => ({
      lo: 0.5 + i / (2 * BINS),
      hi: 0.5 + (i + 1) / (2 * BINS),
      n: bin.n,
      confidence: bin.n > 0 ? bin.confidence / bin.n : null,
      accuracy: bin.n > 0 ? bin.right / bin.n : null,
    })),
    expected_calibration_error: bins.reduce((sum, bin) => sum + Math.abs(bin.confidence - bin.right), 0) / margins.length,
    log_loss: logLoss / margins.length,
    brier: brier / margins.length,
  };
}
