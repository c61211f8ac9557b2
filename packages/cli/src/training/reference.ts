import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { cacheRows, collectRows, pipe, rowsOf, type TokenizedPreferenceRow, type Transform, transform } from "@zephyr/data";
import { type Device, type LoadModelOptions, loadModel, referenceLogps, type WeightDtype } from "@zephyr/train-webgpu";
import { usageError } from "../errors/usage-error.ts";
import { type Interrupt, untilInterrupted } from "../interrupt/interrupt.ts";
import type { Reporter } from "../progress/progress.ts";
import { PREPARED_FOLDER } from "./run-folder.ts";
import type { LoadedRun } from "./train-command.ts";

export const REFERENCE_MODES = ["precompute", "copy", "adapter-off"] as const;
export type ReferenceMode = (typeof REFERENCE_MODES)[number];

/** Which model the policy is compared with. */
export interface Reference {
  mode: ReferenceMode;
  /** Another model than the policy as it begins. */
  model: string | undefined;
}

/** The reference that the flags ask for. Throws a usage error for flags that contradict each other. */
export function chooseReference(mode: ReferenceMode | undefined, model: string | undefined, hasAdapter: boolean): Reference {
  if (mode === "adapter-off" && !hasAdapter)
    throw usageError("--reference adapter-off needs an adapter; give --lora-r or --init-adapter");
  if (mode === "adapter-off" && model !== undefined)
    throw usageError("--reference adapter-off takes the base model as reference; leave --ref-model out");
  return { mode: mode ?? (hasAdapter && model === undefined ? "adapter-off" : "precompute"), model };
}

/** Whether the reference is, before the first step, the very model that is trained: then the trainer checks that all rewards are 0. */
export function isInitialPolicy({ mode, model }: Reference, initAdapter: string | undefined): boolean {
  return model === undefined && (mode !== "adapter-off" || initAdapter === undefined);
}

export interface ScorePairs {
  run: LoadedRun;
  reference: Reference;
  /** What the rows were made of: the data's fingerprint, the settings of tokenization. */
  key: unknown;
  pairsPerBatch: number;
  /** LD-DPO's weight of the longer completion's tail. */
  ldAlpha: number | undefined;
  /** How the base weights of another model than the policy are kept. */
  dtype: WeightDtype;
  reporter: Reporter;
  interrupt: Interrupt;
}

/**
 * The rows with the reference's log-probabilities, computed before anything is trained and stored in the run's folder, from where a
 * resumed run reads them.
 */
export async function scorePairs(
  rows: TokenizedPreferenceRow[],
  { run, reference, key, pairsPerBatch, ldAlpha, dtype, reporter, interrupt }: ScorePairs,
): Promise<TokenizedPreferenceRow[]> {
  const { device, policy, folder, model } = run;
  const adapter = reference.mode === "adapter-off" ? "off" : "on";
  const stage: Transform<TokenizedPreferenceRow, TokenizedPreferenceRow> = transform(async function* (
    pairs: AsyncIterable<TokenizedPreferenceRow>,
  ) {
    const progress = reporter.progress("reference log-probabilities", rows.length);
    const other = reference.model === undefined ? undefined : await loadModel(device, reference.model, { dtype });
    try {
      let done = 0;
      const scored = referenceLogps<TokenizedPreferenceRow>(other ?? policy, {
        pairsPerBatch,
        adapter,
        ...(ldAlpha !== undefined && { ldAlpha }),
      });
      for await (const row of pipe(pairs, untilInterrupted<TokenizedPreferenceRow>(interrupt), scored)) {
        progress.update(++done);
        yield row;
      }
    } finally {
      progress.end();
      other?.[Symbol.dispose]();
    }
  });
  const whole = [key, adapter, ldAlpha ?? null, identity(reference.model ?? model)];
  return collectRows(pipe(rowsOf(rows), cacheRows({ folder: join(folder.path, PREPARED_FOLDER), key: whole }, stage)));
}

/** Whether a row brings the reference's log-probabilities along. */
export const hasReference = ({ ref_chosen_logps, ref_rejected_logps }: TokenizedPreferenceRow): boolean =>
  Number.isFinite(ref_chosen_logps) && Number.isFinite(ref_rejected_logps);

/** Names and sizes of a model's files, and when they were written: another model has others. */
function identity(folder: string): string {
  const files = readdirSync(folder).filter((name) => /\.safetensors$|^(adapter_)?config\.json$/.test(name));
  const facts = files.sort().map((name) => {
    const { size, mtimeMs } = statSync(join(folder, name));
    return [name, size, mtimeMs];
  });
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}

/** A second copy of the reference that stays loaded and scores the pairs of every batch; the numbers are those of `precompute`. */
export interface ReferenceCopy extends Disposable {
  score: Transform<TokenizedPreferenceRow, TokenizedPreferenceRow>;
}

export async function referenceCopy(
  device: Device,
  folder: string,
  { load, ...options }: { load: LoadModelOptions; pairsPerBatch: number; ldAlpha?: number },
): Promise<ReferenceCopy> {
  const policy = await loadModel(device, folder, load);
  return {
    score: referenceLogps<TokenizedPreferenceRow>(policy, { ...options, adapter: "on" }),
    [Symbol.dispose]: () => policy[Symbol.dispose](),
  };
}
