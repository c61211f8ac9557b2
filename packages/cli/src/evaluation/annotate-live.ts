import { readFile } from "node:fs/promises";
import { type AnnotateOptions, type Annotation, annotate, type ModelOutput, parseChatTemplate } from "@zephyr/eval";
import { usageError } from "../errors/usage-error.ts";
import type { Interrupt } from "../interrupt/interrupt.ts";
import type { Reporter } from "../progress/progress.ts";
import { checkInput } from "../rows/output-file.ts";
import type { Asking } from "./judge-runs.ts";

export interface AnnotateLiveOptions {
  modelOutputs: ModelOutput[] | undefined;
  referenceOutputs: ModelOutput[] | undefined;
  kind: AnnotateOptions["kind"];
  /** File with the annotator's chat template; ours without it. */
  template: string | undefined;
  interrupt: Interrupt;
  reporter: Reporter;
}

/** AlpacaEval's question to a judge, ready to be put to any. Throws a usage error when an output file is missing. */
export async function annotateLive(options: AnnotateLiveOptions): Promise<(asking: Asking) => Promise<Annotation[]>> {
  const { modelOutputs, referenceOutputs, kind, template, interrupt, reporter } = options;
  if (!modelOutputs || !referenceOutputs)
    throw usageError("--annotations is missing; give it, or --model-outputs and --reference-outputs for a judge");
  if (template !== undefined) checkInput(template, "--judge-template");
  const messages = template === undefined ? undefined : parseChatTemplate(await readFile(template, "utf8"));
  return async (asking) => {
    const progress = reporter.progress(`answers judged by ${asking.judgeName}`);
    const annotations = await annotate({
      ...asking,
      modelOutputs,
      referenceOutputs,
      kind,
      ...(messages && { template: messages }),
      signal: interrupt.drain,
      onProgress: (done, total) => progress.update(done, `of ${total}`),
    });
    progress.end();
    return annotations;
  };
}

/** How many rows a judge could not be asked about: no reply, though the outputs differ. */
export const failedCalls = (annotations: readonly Annotation[]): number =>
  annotations.filter((row) => row.preference === null && row.raw_completion === null).length;
