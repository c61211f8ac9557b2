/** Limits that several processes share; stands behind the gate of each. */
export interface Turnstile {
  /** Waits until a request of so many tokens may be sent; rejects with "interrupted" when `drain` aborts first. */
  enter(tokens: number, drain?: AbortSignal): Promise<void>;
  /** Corrects an estimate by the tokens really used. */
  settle(reserved: number, used: number): void;
  /** Lets nothing through for so long, anywhere: the provider refused. */
  pause(ms: number): void;
}
