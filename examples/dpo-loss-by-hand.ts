// runnable
// The DPO loss of one pair computed with Math functions alone, then by @zephyr/losses, then its gradient by finite differences.
import { dpo } from "@zephyr/losses";

const beta = 0.1;
// Summed log-probabilities of the two completions, in nats: the policy's, and the frozen reference's.
const [chosen, rejected, refChosen, refRejected] = [-32.1, -12.0, -30.0, -12.5];

// L = -log sigmoid(beta ((log pi(y_w) - log pi_ref(y_w)) - (log pi(y_l) - log pi_ref(y_l))))      (Rafailov et al. 2023, eq. 7)
const byHand = (chosenLogp: number): number => {
  const margin = beta * (chosenLogp - refChosen - (rejected - refRejected));
  return Math.log1p(Math.exp(-margin));
};

const loss = dpo({ beta });
const result = loss({
  chosenLogps: Float64Array.of(chosen),
  rejectedLogps: Float64Array.of(rejected),
  refChosenLogps: Float64Array.of(refChosen),
  refRejectedLogps: Float64Array.of(refRejected),
});

const h = 1e-5;
const slope = (byHand(chosen + h) - byHand(chosen - h)) / (2 * h);
console.log("loss      ", byHand(chosen), result.loss);
console.log("gradient  ", slope, result.chosenGrad[0]);
console.log("rewards   ", result.chosenRewards[0], result.rejectedRewards[0]);

if (Math.abs(byHand(chosen) - result.loss) > 1e-12 || Math.abs(slope - result.chosenGrad[0]!) > 1e-8)
  throw new Error("the loss by hand and the package's differ");
