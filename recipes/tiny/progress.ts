/** Shows how far a long job is, on stderr: a bar on a terminal, a line every ten seconds elsewhere. */
export interface Progress {
  update(done: number, total: number, note?: string): void;
  end(summary: string): void;
}

const WIDTH = 24;

export function startProgress(title: string): Progress {
  const terminal = process.stderr.isTTY && process.env["NO_COLOR"] === undefined;
  const start = performance.now();
  let last = 0;
  return {
    update(done, total, note = "") {
      const now = performance.now();
      if (now - last < (terminal ? 100 : 10_000) && done < total) return;
      last = now;
      const fraction = total > 0 ? Math.min(1, done / total) : 0;
      const seconds = (now - start) / 1000;
      const left = fraction > 0.02 ? `${Math.ceil((seconds / fraction) * (1 - fraction))} s left` : "";
      const text = `${title.padEnd(34)} ${String(done).padStart(5)}/${total} ${left.padStart(10)}  ${note}`;
      const filled = Math.round(fraction * WIDTH);
      if (terminal)
        process.stderr.write(`\r\x1b[K${title.padEnd(34)} ${"█".repeat(filled)}${"░".repeat(WIDTH - filled)} ${left}  ${note}`);
      else if (done < total) process.stderr.write(`${text}\n`);
    },
    end(summary) {
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      process.stderr.write(`${terminal ? "\r\x1b[K" : ""}${title.padEnd(34)} ${seconds.padStart(6)} s  ${summary}\n`);
    },
  };
}
