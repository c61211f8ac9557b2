import { type LoadModelOptions, loadModel, type Policy, requestDevice } from "@zephyr/train-webgpu";
import { text } from "../flags/flag.ts";
import type { Reporter } from "../progress/progress.ts";
import { modelFolder } from "./sources.ts";

/** Which model a command reads. */
export const modelFlags = {
  model: text({ help: "model folder, or id on the Hugging Face Hub", placeholder: "DIR|ID", required: true }),
  adapter: text({ help: "PEFT adapter on top of it", placeholder: "DIR" }),
};

/** A model on a device of its own; disposing it frees both. */
export interface OpenModel extends Disposable {
  policy: Policy;
}

/** Opens the device and loads a model onto it. */
export async function openModel(
  { model, adapter }: { model: string; adapter: string | undefined },
  reporter: Reporter,
): Promise<OpenModel> {
  const folder = await modelFolder(model, "--model");
  const device = await requestDevice({ onProgress: (message) => reporter.status(message) });
  try {
    const options: LoadModelOptions = adapter === undefined ? {} : { adapter };
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
