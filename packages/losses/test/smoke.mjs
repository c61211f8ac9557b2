// Runs the built package under Node, Bun and Deno: DPO on two pairs against finite differences.
import { dpo } from "@zephyr/losses";

const loss = dpo({ beta: 0.1 });
const batch = {
  chosenLogps: Float64Array.of(-32.1, -11.6),
  rejectedLogps: Float64Array.of(-12.0, -80.2),
  refChosenLogps: Float64Array.of(-30.0, -14.6),
  refRejectedLogps: Float64Array.of(-12.5, -20.2),
};
const { chosenGrad, rejectedGrad } = loss(batch);

for (const [logps, grad] of [
  [batch.chosenLogps, chosenGrad],
  [batch.rejectedLogps, rejectedGrad],
]) {
  for (let i = 0; i < logps.length; i++) {
    const h = 1e-4;
    logps[i] += h;
    const above = loss(batch).loss;
    logps[i] -= 2 * h;
    const below = loss(batch).loss;
    logps[i] += h;
    const slope = (above - below) / (2 * h);
    if (!(Math.abs(slope - grad[i]) < 1e-8))
      throw new Error(`smoke: gradient ${grad[i]} but finite difference ${slope}, entry ${i}`);
  }
}
console.log("ok");
