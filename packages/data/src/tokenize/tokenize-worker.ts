// The other side of tokenize-parallel.ts: takes shards of rows, answers with token ids or an error's text.
import { builtin } from "../files/node-builtins.ts";
import { collectRows, rowsOf } from "../pipe.ts";
import { tokenizerFromJson } from "../tokenizer/tokenizer.ts";
import { packIds } from "./packed-ids.ts";
import type { TokenizationReport } from "./report.ts";
import { tokenizeDialogues } from "./tokenize-dialogues.ts";
import type { Shard, ShardAnswer, WorkerTask } from "./tokenize-parallel.ts";
import { tokenizePreferences } from "./tokenize-preferences.ts";

const { parentPort, workerData } = builtin("node:worker_threads", "tokenizeParallel");
const { files, kind, options } = workerData as WorkerTask;
const parsed = (name: string) => JSON.parse(files[name] ?? "{}") as object;
const tokenizer = tokenizerFromJson(parsed("tokenizer.json"), parsed("tokenizer_config.json"), files["chat_template.jinja"]);

parentPort?.on("message", async ({ firstRow, rows }: Shard) => {
  let report: TokenizationReport | undefined;
  const settings = {
    ...options,
    firstRow,
    onReport: (given: TokenizationReport) => {
      report = given;
    },
  };
  const stage = kind === "preferences" ? tokenizePreferences(tokenizer, settings) : tokenizeDialogues(tokenizer, settings);
  try {
    const packed = packIds(await collectRows<object>(stage(rowsOf(rows))));
    const answer: ShardAnswer = { ...packed, report: report! };
    parentPort.postMessage(answer, [packed.ids.buffer]);
  } catch (error) {
    parentPort.postMessage({ error: (error as Error).message } satisfies ShardAnswer);
  }
});
