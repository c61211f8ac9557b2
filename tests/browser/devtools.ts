/** A connection to a browser's DevTools protocol, with one page at a time behind each session. */
export interface Devtools {
  /** Opens a page of the given size and goes to `url`. */
  open(url: string, size: { width: number; height: number }): Promise<Page>;
  close(): void;
}

/** One tab. */
export interface Page {
  /** The value of an expression in the page, awaited; throws what the page threw. */
  evaluate<T>(expression: string): Promise<T>;
  /** Waits until an expression is true in the page; throws after `seconds` with what `describe` says then. */
  waitFor(expression: string, seconds: number, describe?: string): Promise<void>;
  resize(size: { width: number; height: number }): Promise<void>;
  /** A PNG of the whole page. */
  screenshot(): Promise<Uint8Array>;
  /** Presses and releases a key, such as "Tab" or "Enter". */
  press(key: keyof typeof KEYS): Promise<void>;
  /** Moves the mouse, with its left button down along the way from the first point to the last under `drag`. */
  mouse(points: readonly { x: number; y: number }[], options?: { drag: boolean }): Promise<void>;
  /** Everything that the page complained about: console errors and warnings, exceptions, failed requests. */
  complaints: string[];
  close(): Promise<void>;
}

interface Reply {
  id?: number;
  sessionId?: string;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { message: string };
}

type Send = (method: string, params?: object) => Promise<Record<string, unknown>>;

/** Connects to the address that Chromium prints. */
export async function connectDevtools(address: string): Promise<Devtools> {
  const socket = new WebSocket(address);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error(`connectDevtools: ${address} does not answer`));
  });
  let last = 0;
  const waiting = new Map<number, { resolve: (result: Record<string, unknown>) => void; reject: (error: Error) => void }>();
  const listeners = new Map<string, (method: string, params: Record<string, unknown>) => void>();
  socket.onmessage = ({ data }) => {
    const reply = JSON.parse(String(data)) as Reply;
    if (reply.id === undefined) {
      listeners.get(reply.sessionId ?? "")?.(reply.method!, reply.params ?? {});
      return;
    }
    const one = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (reply.error) one?.reject(new Error(`DevTools: ${reply.error.message}`));
    else one?.resolve(reply.result ?? {});
  };
  socket.onclose = () => {
    for (const { reject } of waiting.values()) reject(new Error("DevTools: the browser has gone"));
  };
  const send = (sessionId: string | undefined, method: string, params: object = {}): Promise<Record<string, unknown>> =>
    new Promise((resolve, reject) => {
      const id = ++last;
      waiting.set(id, { resolve, reject });
      socket.send(JSON.stringify({ id, method, params, ...(sessionId !== undefined && { sessionId }) }));
    });
  return {
    async open(url, size) {
      const { targetId } = await send(undefined, "Target.createTarget", { url: "about:blank" });
      const { sessionId } = await send(undefined, "Target.attachToTarget", { targetId, flatten: true });
      const complaints: string[] = [];
      listeners.set(sessionId as string, (method, params) => complaints.push(...complaintsOf(method, params)));
      const page = await openPage((method, params) => send(sessionId as string, method, params), complaints, url, size);
      return { ...page, close: async () => void (await send(undefined, "Target.closeTarget", { targetId })) };
    },
    close: () => socket.close(),
  };
}

function complaintsOf(method: string, params: Record<string, unknown>): string[] {
  if (method === "Runtime.exceptionThrown") {
    const { exception, text } = params["exceptionDetails"] as { exception?: { description?: string }; text: string };
    return [`exception: ${exception?.description ?? text}`];
  }
  if (method === "Runtime.consoleAPICalled" && ["error", "warning", "assert"].includes(String(params["type"]))) {
    const values = params["args"] as { value?: unknown; description?: string }[];
    return [`console.${params["type"]}: ${values.map(({ value, description }) => description ?? String(value)).join(" ")}`];
  }
  if (method === "Log.entryAdded") {
    const { level, text, url } = params["entry"] as { level: string; text: string; url?: string };
    return level === "error" || level === "warning" ? [`${level}: ${text} ${url ?? ""}`.trimEnd()] : [];
  }
  return [];
}

const KEYS = {
  Tab: { key: "Tab", code: "Tab", windowsVirtualKeyCode: 9 },
  Enter: { key: "Enter", code: "Enter", windowsVirtualKeyCode: 13, text: "\r" },
  Escape: { key: "Escape", code: "Escape", windowsVirtualKeyCode: 27 },
  ArrowLeft: { key: "ArrowLeft", code: "ArrowLeft", windowsVirtualKeyCode: 37 },
  "+": { key: "+", code: "NumpadAdd", windowsVirtualKeyCode: 107, text: "+" },
  " ": { key: " ", code: "Space", windowsVirtualKeyCode: 32, text: " " },
} as const;

async function openPage(
  send: Send,
  complaints: string[],
  url: string,
  size: { width: number; height: number },
): Promise<Omit<Page, "close">> {
  const resize: Page["resize"] = async ({ width, height }) => {
    await send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
  };
  const evaluate = async <T>(expression: string): Promise<T> => {
    const { result, exceptionDetails } = (await send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    })) as { result: { value: T }; exceptionDetails?: { exception?: { description?: string }; text: string } };
    if (exceptionDetails) throw new Error(`page: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
    return result.value;
  };
  for (const domain of ["Page", "Runtime", "Log"]) await send(`${domain}.enable`);
  await resize(size);
  await send("Page.navigate", { url });
  const page: Omit<Page, "close"> = {
    evaluate,
    resize,
    complaints,
    async waitFor(expression, seconds, describe = "document.body.innerText.slice(0, 2000)") {
      const end = performance.now() + 1000 * seconds;
      while (!(await evaluate<boolean>(`Boolean(${expression})`))) {
        if (performance.now() > end) {
          const state = await evaluate<string>(describe);
          throw new Error(`page: ${expression} is not true after ${seconds} s; ${complaints.join("; ")}\n${state}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    async screenshot() {
      const { data } = await send("Page.captureScreenshot", { format: "png", captureBeyondViewport: true });
      return Buffer.from(data as string, "base64");
    },
    async mouse(points, { drag } = { drag: false }) {
      const event = (type: string, { x, y }: { x: number; y: number }) =>
        send("Input.dispatchMouseEvent", { type, x, y, ...(drag && { button: "left", buttons: 1, clickCount: 1 }) });
      for (const [i, point] of points.entries()) {
        await event("mouseMoved", point);
        if (drag && i === 0) await event("mousePressed", point);
      }
      if (drag) await event("mouseReleased", points.at(-1)!);
    },
    async press(key) {
      await send("Input.dispatchKeyEvent", { type: "keyDown", ...KEYS[key] });
      await send("Input.dispatchKeyEvent", { type: "keyUp", ...KEYS[key] });
    },
  };
  await page.waitFor("document.readyState === 'complete' && location.href !== 'about:blank'", 30);
  return page;
}
