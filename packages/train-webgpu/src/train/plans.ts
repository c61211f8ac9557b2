import type { TokenBatch } from "@zephyr/data";
import type { PreferenceLoss } from "@zephyr/losses";
import { grow } from "../model/capacity.ts";
import type { Policy } from "../model/policy.ts";
import { needs } from "../model/stream.ts";
import { withinMemory } from "../plan/out-of-memory.ts";
import type { PairOptions } from "./record-training.ts";
import type { Trainables } from "./trainables.ts";
import { createTrainingPlan, type TrainingPlan } from "./training-plan.ts";

/** The training plan of a run, built anew where a batch is larger than all before it. */
export interface Plans extends Disposable {
  holding(batch: TokenBatch, trainables: Trainables): Promise<TrainingPlan>;
}

export function plans(policy: Policy, checkpointing: boolean, loss?: PreferenceLoss, pairOptions?: PairOptions): Plans {
  let plan: TrainingPlan | undefined;
  return {
    async holding(batch, trainables) {
      const capacity = grow(plan?.capacity, needs(batch));
      if (capacity) {
        plan?.[Symbol.dispose]();
        plan = undefined;
        plan = await withinMemory(policy.device, "train", () =>
          createTrainingPlan({ policy, trainables, capacity, checkpointing, loss, pairOptions }),
        );
      }
      return plan!;
    },
    [Symbol.dispose]() {
      plan?.[Symbol.dispose]();
      plan = undefined;
    },
  };
}
