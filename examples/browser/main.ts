import { requestDevice } from "@zephyr/train-webgpu";
import { type AlignEvent, align } from "./align.ts";
import { openPage, type Page } from "./page.ts";

/** Connects the buttons to the recipe. */
async function main(): Promise<void> {
  const page = openPage();
  const fault = await webgpuFault();
  if (fault !== undefined) return page.missing(fault);
  let running: AbortController | undefined;
  page.onStart(() => {
    if (running) return;
    running = new AbortController();
    void run(page, running.signal).finally(() => {
      running = undefined;
    });
  });
  page.onStop(() => running?.abort(new DOMException("stopped by the reader", "AbortError")));
}

async function run(page: Page, signal: AbortSignal): Promise<void> {
  page.begin();
  try {
    using device = await requestDevice();
    const { description, vendor, architecture } = device.adapter;
    page.adapter(description || [vendor, architecture].filter(Boolean).join(" "));
    const lost = device.lost.then(({ message }) => Promise.reject(new Error(`the browser took the GPU away: ${message}`)));
    const events = align(device, signal);
    for (;;) {
      const next = await Promise.race<IteratorResult<AlignEvent>>([events.next(), lost]);
      if (next.done) break;
      page.show(next.value);
    }
    page.end("finished");
  } catch (error) {
    page.end(signal.aborted ? "stopped" : "failed", error);
  }
}

/** Why nothing can be trained here, undefined where it can. */
async function webgpuFault(): Promise<string | undefined> {
  if (!globalThis.isSecureContext)
    return "The page must come over https or from 127.0.0.1; browsers keep WebGPU from other addresses.";
  if (!navigator.gpu) return "It has no navigator.gpu.";
  if (!(await navigator.gpu.requestAdapter())) return "It has navigator.gpu, but no adapter was found on this machine.";
  return undefined;
}

void main();
