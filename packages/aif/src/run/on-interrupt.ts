/** Signals for a run: `drain` after the first SIGINT or SIGTERM, `signal` after the second. */
export interface Interrupts {
  drain: AbortSignal;
  signal: AbortSignal;
  /** Gives the signals back to the process. */
  release(): void;
}

/** Takes over SIGINT and SIGTERM: the first lets what is on the wire finish, the second cuts it off. */
export function onInterrupt(notify: (line: string) => void = () => {}): Interrupts {
  const drain = new AbortController();
  const abort = new AbortController();
  const handle = (): void => {
    if (drain.signal.aborted) abort.abort();
    else notify("interrupted: waiting for requests on the wire; interrupt again to cut them off");
    drain.abort();
  };
  process.on("SIGINT", handle);
  process.on("SIGTERM", handle);
  const release = (): void => {
    process.off("SIGINT", handle);
    process.off("SIGTERM", handle);
  };
  return { drain: drain.signal, signal: abort.signal, release };
}
