import { runWorker } from "@zephyr/aif";
import { number, text } from "../flags/flag.ts";
import { collectOften } from "../rows/small-heap.ts";
import { command } from "./command.ts";
import { config } from "./feedback.ts";

/** `zephyr worker`: one of many machines that ask the models. */
export const worker = command({
  description:
    "Sends the requests that `complete --redis` and `rate --redis` hand over (--config: the same file). Needs no shared folder; ends on SIGTERM after its requests in flight.",
  flags: {
    redis: text({ help: "the Redis or Valkey server of the coordinator", placeholder: "URL", required: true }),
    idleSeconds: number({ help: "end after so long without a request [never]", above: true, min: 0 }),
  },
  ownConfig: true,
  graceful: true,
  async run(invocation) {
    const { flags, reporter, interrupt } = invocation;
    collectOften();
    const result = await runWorker({
      ...flags,
      config: await config(invocation),
      drain: interrupt.drain,
      signal: interrupt.signal,
      onLine: reporter.status,
      onNote: reporter.note,
    });
    const { answered, failed, late } = result;
    return { result, lines: [`${answered} answered, ${failed} failed, ${late} late`] };
  },
});
