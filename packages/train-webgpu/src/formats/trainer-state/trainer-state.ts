import { writeDurably } from "../files/durable-file.ts";
import { readJsonObject } from "../files/json-file.ts";
import { formatError, quote } from "../format-error.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../json/strict-json.ts";

export const TRAINER_STATE_FILE = "trainer_state.json";

/** Where a training run stands, after `globalStep` optimizer steps. */
export interface TrainerState {
  globalStep: number;
  maxSteps: number;
  numTrainEpochs: number;
  /** Epochs done, with fraction, as the log shows it. */
  epoch: number;
  /** Running sum of tokens that went through the model. */
  numTokens: number;
  seed: number;
  /** The next thing to train on: the epoch, and how many of its micro-batches are done. */
  dataPosition: { epoch: number; microBatch: number };
  /** What the run's random streams need to go on; counter-based streams need nothing but seed and step. */
  rngState: JsonObject;
  /** The settings of the run, so that a resume with others is noticed. */
  hyperparameters: JsonObject;
}

/** The text of `trainer_state.json`, in Hugging Face's spelling. Throws `TypeError` for NaN and Infinity, which JSON turns into null. */
export function trainerStateJson(state: TrainerState): string {
  const json = {
    global_step: state.globalStep,
    max_steps: state.maxSteps,
    num_train_epochs: state.numTrainEpochs,
    epoch: state.epoch,
    num_input_tokens_seen: state.numTokens,
    seed: state.seed,
    data_position: { epoch: state.dataPosition.epoch, micro_batch: state.dataPosition.microBatch },
    rng_state: state.rngState,
    hyperparameters: state.hyperparameters,
  };
  return JSON.stringify(json, finiteOnly(TRAINER_STATE_FILE), 2) + "\n";
}

/** A replacer for `JSON.stringify` that refuses numbers that JSON cannot hold, naming the file and the key. */
export function finiteOnly(file: string): (key: string, value: unknown) => unknown {
  return (key, value) => {
    if (typeof value !== "number" || Number.isFinite(value)) return value;
    throw new TypeError(`JSON: ${quote(key)} of ${file} is ${value}, which JSON would turn into null; write finite numbers`);
  };
}

/** Writes `trainer_state.json` into a folder, durably. */
export async function writeTrainerState(folder: string, state: TrainerState): Promise<void> {
  const { join } = await import("node:path");
  await writeDurably(join(folder, TRAINER_STATE_FILE), [trainerStateJson(state)]);
}

/** Reads `trainer_state.json` of a folder; throws `ERR_CHECKPOINT` for a field that is missing or out of range. */
export async function readTrainerState(folder: string): Promise<TrainerState> {
  const { join } = await import("node:path");
  const path = join(folder, TRAINER_STATE_FILE);
  return parseTrainerState(await readJsonObject(path, "ERR_CHECKPOINT"), path);
}

function parseTrainerState(json: JsonObject, path: string): TrainerState {
  const refuse = (field: string, value: JsonValue | undefined, expected: string) =>
    formatError(
      "ERR_CHECKPOINT",
      `readTrainerState: ${field} of ${path} is ${quote(JSON.stringify(value) ?? "absent")}, not ${expected}; resume from another checkpoint`,
    );
  const object = (field: string): JsonObject => {
    const value = json[field];
    if (isJsonObject(value)) return value;
    throw refuse(field, value, "an object");
  };
  const count = (field: string, from: JsonObject = json): number => {
    const value = from[field];
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
    throw refuse(field, value, "a whole number from 0");
  };
  const amount = (field: string): number => {
    const value = json[field];
    if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
    throw refuse(field, value, "a finite number from 0");
  };
  const position = object("data_position");
  return {
    globalStep: count("global_step"),
    maxSteps: count("max_steps"),
    numTrainEpochs: amount("num_train_epochs"),
    epoch: amount("epoch"),
    numTokens: count("num_input_tokens_seen"),
    seed: count("seed"),
    dataPosition: { epoch: count("epoch", position), microBatch: count("micro_batch", position) },
    rngState: object("rng_state"),
    hyperparameters: object("hyperparameters"),
  };
}
