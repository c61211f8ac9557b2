import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** A finished stage, as `stages.json` keeps it. */
export interface StageRecord {
  name: string;
  seconds: number;
  note: string;
}

/** The run's memory of what is done: a stage that was finished by an earlier process is not run again. */
export interface Stages {
  /** Runs `work` unless the stage is done already; it returns what to say about it. */
  run(name: string, work: () => Promise<string>): Promise<void>;
  records(): StageRecord[];
  /** Highest resident memory of all processes that worked on this run, MiB. */
  peakMemoryMib(): number;
}

interface Ledger {
  stages: StageRecord[];
  peak_memory_mib: number;
}

export function openStages(path: string): Stages {
  const ledger: Ledger = existsSync(path)
    ? (JSON.parse(readFileSync(path, "utf8")) as Ledger)
    : { stages: [], peak_memory_mib: 0 };
  const save = (): void => {
    ledger.peak_memory_mib = Math.max(ledger.peak_memory_mib, Math.round(process.resourceUsage().maxRSS / 1024));
    writeWhole(path, `${JSON.stringify(ledger, null, 2)}\n`);
  };
  return {
    async run(name, work) {
      const before = ledger.stages.find((stage) => stage.name === name);
      if (before) {
        process.stderr.write(`${name.padEnd(34)}    done before: ${before.note}\n`);
        return;
      }
      const start = performance.now();
      const note = await work();
      ledger.stages.push({ name, seconds: Math.round(performance.now() - start) / 1000, note });
      save();
    },
    records: () => ledger.stages,
    peakMemoryMib: () => ledger.peak_memory_mib,
  };
}

/** Writes a file under a temporary name and renames it: it is there whole or not at all. */
export function writeWhole(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.tmp`, text);
  renameSync(`${path}.tmp`, path);
}
