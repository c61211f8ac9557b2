import { describe, expect, it } from "vitest";
import { checkMoments, momentPlans } from "./optimizer-moments.ts";

const parameters = [
  { name: "a.weight", shape: [2, 3] },
  { name: "b.weight", shape: [4] },
];
const stored = () => new Map(momentPlans(parameters).map((plan) => [plan.name, plan]));

describe("optimizer moments", () => {
  it("two of each parameter, under torch's names", () => {
    expect([...stored().keys()]).toEqual(["a.weight.exp_avg", "a.weight.exp_avg_sq", "b.weight.exp_avg", "b.weight.exp_avg_sq"]);
    checkMoments(parameters, stored());
  });

  it("missing, misshapen and stray moments are refused by name", () => {
    const plan = stored().get("b.weight.exp_avg")!;
    const code = { code: "ERR_CHECKPOINT" };
    expect(() => checkMoments([...parameters, { name: "c.weight", shape: [1] }], stored())).toThrow(
      /"c.weight.exp_avg" is missing/,
    );
    expect(() => checkMoments(parameters, stored().set(plan.name, { ...plan, shape: [5] }))).toThrow(
      /is F32 \[5\], needs F32 \[4\]/,
    );
    expect(() => checkMoments(parameters, stored().set(plan.name, { ...plan, dtype: "F16" }))).toThrow(/F16/);
    expect(() => checkMoments(parameters, stored().set("z.exp_avg", plan))).toThrow(expect.objectContaining(code));
  });
});
