import { hostname } from "node:os";
import { join } from "node:path";
import { writeJson } from "../training/run-folder.ts";
import type { PlannedStage } from "./plan.ts";

/** Where a recipe stands, for those who watch it; `result.json` is what it goes on from. */
export const RECIPE_PROGRESS_FILE = "progress.json";

/** A stage as planned, and what became of it. */
export interface StageProgress extends Omit<PlannedStage, "status"> {
  status: "to do" | "running" | "done" | "failed" | "interrupted";
  /** Seconds since 1970. */
  began?: number;
}

export interface RecipeReport {
  command: "align";
  /** A recipe that was killed says "running" for ever: see `pid`. */
  status: "running" | "done" | "failed" | "interrupted";
  reason?: string;
  pid: number;
  host: string;
  began: number;
  updated: number;
  stages: StageProgress[];
}

/** The progress file of a recipe under way. */
export interface RecipeProgress {
  begin(stage: string): void;
  done(stage: string, seconds: number): void;
  /** What is running ends so. */
  end(status: "done" | "failed" | "interrupted", reason?: string): void;
}

/** That it is alive is told now and then, too, for those who watch from another machine. */
const HEARTBEAT_MS = 10_000;

/** Begins the progress file of a recipe in its folder, which must exist. */
export function recipeProgress(run: string, plan: readonly PlannedStage[]): RecipeProgress {
  const now = (): number => Date.now() / 1000;
  const stages = new Map(
    plan.map((stage): [string, StageProgress] => [stage.name, { ...stage, status: stage.status === "done" ? "done" : "to do" }]),
  );
  const report: RecipeReport = {
    command: "align",
    status: "running",
    pid: process.pid,
    host: hostname(),
    began: now(),
    updated: now(),
    stages: [],
  };
  const write = (change: Partial<RecipeReport> = {}): void => {
    Object.assign(report, change, { updated: now(), stages: [...stages.values()] });
    writeJson(join(run, RECIPE_PROGRESS_FILE), report);
  };
  const change = (name: string, to: Partial<StageProgress>): void => {
    stages.set(name, { ...stages.get(name)!, ...to });
    write();
  };
  write();
  const heartbeat = setInterval(() => {
    try {
      write();
    } catch {
      // A full disk ends the stage where it matters; those who watch are not worth the recipe.
    }
  }, HEARTBEAT_MS);
  return {
    begin: (name) => change(name, { status: "running", began: now() }),
    done: (name, seconds) => change(name, { status: "done", seconds }),
    end(status, reason) {
      clearInterval(heartbeat);
      const running = [...stages.values()].find((stage) => stage.status === "running");
      if (running && status !== "done") stages.set(running.name, { ...running, status });
      write({ status, ...(reason !== undefined && { reason }) });
    },
  };
}
