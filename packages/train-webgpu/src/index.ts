// The device
export type { AdapterClass } from "./device/adapter-class.ts";
export { type DeviceLostError, deviceError } from "./device/device-lost.ts";
export { matrixUnits } from "./device/matrix-units.ts";
export { type Device, type RequestDeviceOptions, requestDevice } from "./device/request-device.ts";
// Model folders
export type { ModelConfig, ModelType } from "./formats/model-config/model-config.ts";
export { type ParameterShape, parameterShapes } from "./formats/model-config/parameter-shapes.ts";
export { parseModelConfig } from "./formats/model-config/parse-model-config.ts";
// Runs on disk
export { type Checkpoint, listCheckpoints, newestGoodCheckpoint } from "./formats/trainer-state/checkpoint.ts";
export { copyCheckpointModel } from "./formats/trainer-state/copy-model.ts";
export { appendLog, cutLog, LOG_FILE, type LogEntry, readLog } from "./formats/trainer-state/log-history.ts";
export { pruneCheckpoints, type RetentionOptions } from "./formats/trainer-state/retention.ts";
// Sampling
export { createGenerator, type Generator, type GeneratorOptions } from "./generate/generator.ts";
export type { TokenLogp } from "./generate/log-probabilities.ts";
export type { DrawnToken, GenerationRequest, GenerationResult } from "./generate/request.ts";
export { type SamplingOptions, sampleToken } from "./generate/sample.ts";
// Profiles
export { measureRoof, type Roof } from "./kernels/roof/roof.ts";
// Models
export type { LoraOptions } from "./model/device-adapter.ts";
export { createModel, type LoadModelOptions, loadModel } from "./model/load-model.ts";
export type { WeightDtype } from "./model/packed-weights.ts";
export type { Policy } from "./model/policy.ts";
export { mergeAdapter, savePolicy } from "./model/save-model.ts";
export { createScorer, type Scorer, type Scores } from "./model/scorer.ts";
export type { KernelProfile, Profiler } from "./plan/profiler.ts";
export { type ReferenceLogpsOptions, referenceLogps } from "./train/reference-logps.ts";
export { type TrainPreferenceOptions, trainPreference } from "./train/train-preference.ts";
export { type TrainSftOptions, trainSft } from "./train/train-sft.ts";
export type { Batches, Training, TrainingOptions, TrainingStep } from "./train/training.ts";
// Training
export {
  adviseMemory,
  type MemoryAdvice,
  type TrainingMemory,
  type TrainingShape,
  trainingMemory,
} from "./train/training-memory.ts";
