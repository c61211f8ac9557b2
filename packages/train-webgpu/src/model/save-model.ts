import { saveTokenizer } from "@zephyr/data";
import { saveAdapter } from "../formats/adapter/adapter-folder.ts";
import { writeDurably } from "../formats/files/durable-file.ts";
import { parameterShapes } from "../formats/model-config/parameter-shapes.ts";
import { CHAT_TEMPLATE_FILE, copyCompanions, saveModelFolder } from "../formats/model-folder/model-folder.ts";
import { fromFloat32 } from "../formats/safetensors/convert.ts";
import { product } from "../kernels/matmul/matmul.ts";
import { createExecutor } from "../plan/executor.ts";
import { createTape } from "../plan/tape.ts";
import { noSizes } from "../plan/tensor.ts";
import { downloadAdapter } from "./device-adapter.ts";
import { createPolicy, lowRankOf, type Policy, weightOf } from "./policy.ts";
import { downloadWeight, unpackWeights } from "./weights.ts";

/**
 * Saves a policy as Hugging Face and PEFT load it: the model with its tokenizer, or the adapter alone where it has one.
 * The folder appears whole or not at all.
 *
 * @example await savePolicy(policy, "zephyr-7b-dpo");
 */
export async function savePolicy(policy: Policy, folder: string): Promise<void> {
  const { device, config, weights, adapter, tokenizer } = policy;
  if (adapter) {
    await saveAdapter(folder, await downloadAdapter(device, adapter));
    if (policy.folder) await copyCompanions(policy.folder, folder);
  } else {
    const tensors = parameterShapes(config).map(({ name, shape }) => ({
      name,
      shape,
      dtype: "F32" as const,
      data: async () => fromFloat32(await downloadWeight(device, weights, name), "F32"),
    }));
    await saveModelFolder(folder, { config, tensors, ...(policy.folder && { copyFrom: policy.folder }) });
  }
  if (!policy.folder && tokenizer) await saveTokenizer(tokenizer, folder);
  if (policy.chatTemplate !== undefined) {
    const { join } = await import("node:path");
    await writeDurably(join(folder, CHAT_TEMPLATE_FILE), [policy.chatTemplate]);
  }
}

/** The model in float32 with its adapter folded into the weights: W + scaling B A, computed on the device. The policy itself is unchanged. */
export async function mergeAdapter(policy: Policy): Promise<Policy> {
  const { device, config, adapter, tokenizer, folder, chatTemplate } = policy;
  const weights = await unpackWeights(device, policy.weights);
  const lowRank = lowRankOf(adapter);
  const tape = createTape();
  for (const [name, shape] of weights.shapes) {
    const update = lowRank(name.replace(/\.weight$/, ""));
    if (!update) continue;
    const [outputs, inputs] = shape as [number, number];
    const counts = { m: () => outputs, n: () => inputs, k: () => update.rank };
    const c = weightOf(weights, name);
    product(tape, device, { layout: "nn", a: update.b, b: update.a, c, ...counts, alpha: update.scale, accumulate: () => 1 });
  }
  using executor = await createExecutor(device, { merge: tape.dispatches });
  executor.run("merge", noSizes);
  return createPolicy({ device, config, weights, tokenizer, folder, chatTemplate });
}
