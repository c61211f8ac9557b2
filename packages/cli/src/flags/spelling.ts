/** `learningRate` as a flag: `learning-rate`. */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `learningRate` in a config file: `learning_rate`. */
export function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The names of a table under either spelling; `--learning_rate`, as Hugging Face also accepts, is the first one. */
export function namesBy<T extends object>(table: T, spell: (name: string) => string): Map<string, keyof T & string> {
  return new Map(Object.keys(table).map((name) => [spell(name), name as keyof T & string]));
}

/** What other programs call a thing that has a name of its own here. */
export const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ["model_name_or_path", "model"],
  ["base_model", "model"],
  ["dataset_name", "data"],
  ["dataset", "data"],
  ["train_data", "data"],
  ["eval_dataset", "eval_data"],
  ["output_dir", "output"],
  ["out", "output"],
  ["epochs", "num_train_epochs"],
  ["batch_size", "per_device_train_batch_size"],
  ["lr", "learning_rate"],
  ["scheduler", "lr_scheduler_type"],
  ["max_seq_length", "max_length"],
  ["max_seq_len", "max_length"],
  ["resume_from_checkpoint", "resume"],
  ["overwrite_output_dir", "overwrite"],
  ["ref_model_name_or_path", "ref_model"],
  ["torch_dtype", "dtype"],
  ["max_new_tokens", "max_tokens"],
]);
