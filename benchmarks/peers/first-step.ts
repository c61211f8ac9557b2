// The fresh process of `first_step_cold`: prints its adapter and the milliseconds since it was started.
import { requestDevice } from "@zephyr/train-webgpu";
import { readSettings } from "./settings.ts";
import { openRun } from "./training-step.ts";

const { model } = readSettings(process.env);
using device = await requestDevice();
await using run = await openRun(device, model, model.sequences, model.length + 1);
await run.step();
// The clock of `performance` starts with the process.
console.log(JSON.stringify({ adapter: device.adapter.description, ms: performance.now() }));
