import type { Device } from "../device/request-device.ts";
import { adamw } from "../kernels/adamw/adamw.ts";
import { globalNorm } from "../kernels/global-norm/global-norm.ts";
import { createExecutor } from "../plan/executor.ts";
import { createTape, type Dispatch } from "../plan/tape.ts";
import { noSizes, type Tensor } from "../plan/tensor.ts";
import type { Trainables } from "./trainables.ts";

/** AdamW as Hugging Face's Trainer sets it up. */
export interface OptimizerSettings {
  weightDecay: number;
  adamBeta1: number;
  adamBeta2: number;
  adamEpsilon: number;
  /** Gradients are scaled down to this global L2 norm; 0 switches clipping off. */
  maxGradNorm: number;
}

export interface Optimizer extends Disposable {
  /** (norm before clipping, clip factor). */
  readonly norm: Tensor;
  /** Moves the parameters by one step; `step` counts from 1. A gradient that is not finite moves nothing. */
  step(step: number, learningRate: number): void;
}

/** Records an optimizer step: the gradients' norm, then AdamW of every parameter. */
export function recordOptimizer(
  device: Device,
  trainables: Trainables,
  settings: OptimizerSettings,
): { norm: Tensor; dispatches: Dispatch[] } {
  const tape = createTape();
  const { weightDecay, adamBeta1: beta1, adamBeta2: beta2, adamEpsilon: epsilon, maxGradNorm } = settings;
  const gradients = trainables.list.map(({ gradient }) => gradient);
  const norm = globalNorm(tape, device, gradients, maxGradNorm);
  for (const trainable of trainables.list) {
    const decay = trainable.decays ? weightDecay : 0;
    adamw(tape, device, trainable, norm, { beta1, beta2, epsilon, weightDecay: decay });
  }
  return { norm, dispatches: tape.dispatches };
}

export async function createOptimizer(device: Device, trainables: Trainables, settings: OptimizerSettings): Promise<Optimizer> {
  const { norm, dispatches } = recordOptimizer(device, trainables, settings);
  const executor = await createExecutor(device, { optimizer: dispatches }, [norm]);
  return {
    norm,
    step(step, learningRate) {
      executor.run("optimizer", { ...noSizes, step, learningRate });
    },
    [Symbol.dispose]: () => executor[Symbol.dispose](),
  };
}
