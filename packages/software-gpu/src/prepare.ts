// Run for its effect, by `node --import @zephyr/software-gpu/prepare -e 0` or from an npm script: prepares the driver before it is needed.
import { ensureDriver } from "./ensure-driver.ts";
import type { PrepareProgress } from "./progress.ts";

const isTerminal = process.stderr.isTTY === true;
let lastLine = "";

function show({ kind, stage, message, bytes, totalBytes }: PrepareProgress): void {
  const share = totalBytes ? ` ${Math.floor((100 * bytes) / totalBytes)} %` : "";
  const size = stage === "download" ? ` ${(bytes / 2 ** 20).toFixed(0)} MiB` : "";
  // Without a terminal, one line per stage: a log has no use for every package.
  const line = isTerminal
    ? `${kind}: ${stage} ${message}${share}${size}`
    : `${kind}: ${stage} ${stage === "unpack" ? "" : message}`.trimEnd();
  if (line !== lastLine) process.stderr.write(isTerminal ? `\r\u001b[K${line}` : `${line}\n`);
  lastLine = line;
}

try {
  const driver = await ensureDriver({ onProgress: show });
  process.stderr.write(`${isTerminal && lastLine ? "\n" : ""}software GPU: ${driver.description}\n`);
} catch (error) {
  process.stderr.write(`${isTerminal && lastLine ? "\n" : ""}${(error as Error).message}\n`);
  process.exitCode = 1;
}
