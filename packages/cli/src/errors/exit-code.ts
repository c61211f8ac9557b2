/** Codes of the packages' errors that only wrong arguments cause. */
const USAGE_CODES = new Set(["ERR_USAGE", "UNKNOWN_PRESET", "BAD_OPTION", "LOSS_OPTION_UNKNOWN", "LOSS_OPTION", "EAIFCONFIG"]);

/** The exit code of an error: 2 for bad arguments, 130 for an interrupt, 1 for everything else. */
export function exitCodeOf(error: unknown): 1 | 2 | 130 {
  if (error instanceof Error && error.name === "SuppressedError")
    return exitCodeOf((error as { suppressed?: unknown }).suppressed);
  const { code, kind, syscall } = (error ?? {}) as { code?: unknown; kind?: unknown; syscall?: unknown };
  if (code === "ERR_INTERRUPTED" || kind === "interrupted") return 130;
  const isRefusedOutput = code === "EEXIST" && syscall === undefined;
  return USAGE_CODES.has(String(code)) || isRefusedOutput ? 2 : 1;
}

/** An error as the terminal shows it: its message, and its stack and causes only under `--debug`. */
export function errorText(error: unknown, debug: boolean): string {
  if (!(error instanceof Error)) return String(error);
  // An error while cleaning up stands in front of the one that mattered.
  if (error.name === "SuppressedError") return errorText((error as { suppressed?: unknown }).suppressed, debug);
  if (!debug) return error.message || error.name;
  const stack = error.stack ?? error.message;
  return error.cause === undefined ? stack : `${stack}\ncaused by: ${errorText(error.cause, true)}`;
}
