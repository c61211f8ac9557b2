import { existsSync } from "node:fs";
import { join } from "node:path";
import { type LoadModelOptions, loadModel, type Policy, requestDevice, type WeightDtype } from "@zephyr/train-webgpu";
import { usageError } from "../errors/usage-error.ts";
import { choice, text } from "../flags/flag.ts";
import type { Reporter } from "../progress/progress.ts";
import { modelFolder } from "./sources.ts";

/** Which model a command reads. */
export const modelFlags = {
  model: text({ help: "model folder, or id on the Hugging Face Hub", placeholder: "DIR|ID", required: true }),
  adapter: text({ help: "PEFT adapter on top of it", placeholder: "DIR" }),
  dtype: choice({ help: "how the model's matrices are kept in memory", choices: ["f32", "bf16", "nf4"], default: "f32" }),
};

/** A model on a device of its own; disposing it frees both. */
export interface OpenModel extends Disposable {
  policy: Policy;
}

/** Opens the device and loads a model onto it. */
export async function openModel(
  { model, adapter, dtype = "f32" }: { model: string; adapter: string | undefined; dtype?: WeightDtype },
  reporter: Reporter,
): Promise<OpenModel> {
  if (adapter !== undefined && !existsSync(join(adapter, "adapter_config.json")))
    throw usageError(`--adapter ${adapter} holds no adapter_config.json; give the folder of a PEFT adapter`);
  const folder = await modelFolder(model, "--model");
  const device = await requestDevice({ onProgress: (message) => reporter.status(message) });
  try {
    const options: LoadModelOptions = adapter === undefined ? { dtype } : { adapter, dtype };
    const policy = await loadModel(device, folder, options);
    return {
      policy,
      [Symbol.dispose]() {
        policy[Symbol.dispose]();
        device[Symbol.dispose]();
      },
    };
  } catch (error) {
    device[Symbol.dispose]();
    throw error;
  }
}
