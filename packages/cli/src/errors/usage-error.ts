/** The caller's mistake: bad arguments, exit code 2. */
export function usageError(message: string, cause?: unknown): Error & { code: "ERR_USAGE" } {
  return Object.assign(new Error(message, { cause }), { code: "ERR_USAGE" as const });
}

/** The user stopped the command, exit code 130; `message` says how it goes on. */
export function interruptedError(message: string): Error & { code: "ERR_INTERRUPTED" } {
  return Object.assign(new Error(message), { code: "ERR_INTERRUPTED" as const });
}
