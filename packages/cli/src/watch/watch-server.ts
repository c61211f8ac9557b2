import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type FoundRun, findRuns } from "./find-runs.ts";
import { type FollowedRun, followRun, type RunUpdate } from "./follow-run.ts";
import { pageFiles } from "./page-files.ts";

/** A reader who does not keep up is let go; its browser comes back and gets the whole. */
const MOST_WAITING = 2 ** 24;
const HEARTBEAT_MS = 15_000;

const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
} as const;

export interface WatchServerOptions {
  /** Folders of runs; runs that appear below them later are shown as they come. */
  folders: readonly string[];
  /** 0: any free one. */
  port: number;
  /** Between looks at the files. */
  seconds: number;
  /** A look that failed, such as for a folder that has gone; the next one follows all the same. */
  onFault: (error: unknown) => void;
}

export interface WatchServer extends AsyncDisposable {
  url: string;
  /** The runs as they are now. */
  runs(): RunUpdate[];
}

/**
 * Serves the live view of runs on 127.0.0.1: the page at `/`, and at `/events` what changes, as server-sent events. Answers only to the
 * names of this machine, so that no page of elsewhere can read it through a name of its own.
 */
export async function serveWatch({ folders, port, seconds, onFault }: WatchServerOptions): Promise<WatchServer> {
  const pages = pageFiles();
  const runs = new Map<string, FollowedRun>();
  const readers = new Set<ServerResponse>();
  const send = (reader: ServerResponse, updates: readonly RunUpdate[]): void => {
    if (reader.writableLength > MOST_WAITING) reader.destroy();
    else reader.write(`data: ${JSON.stringify({ runs: updates })}\n\n`);
  };
  const follow = ({ name, folder }: FoundRun): FollowedRun => {
    const known = runs.get(folder);
    if (known) return known;
    const run = followRun(runs.size, name, folder);
    runs.set(folder, run);
    return run;
  };
  const look = async (): Promise<void> => {
    const updates = await Promise.all(findRuns(folders).map((found) => follow(found).poll()));
    const changed = updates.filter((update) => update !== undefined);
    if (changed.length > 0) for (const reader of readers) send(reader, changed);
  };
  const wholeRuns = (): RunUpdate[] => [...runs.values()].map((run) => run.whole());
  let looking = look();
  const serveEvents = (response: ServerResponse): void => {
    response.writeHead(200, { ...HEADERS, "content-type": "text/event-stream" });
    response.write("retry: 2000\n\n");
    response.on("close", () => readers.delete(response));
    // Not in the middle of a look, whose rows it would get twice.
    void looking.then(() => {
      send(response, wholeRuns());
      if (!response.closed) readers.add(response);
    });
  };
  const server = createServer((request, response) => {
    const path = request.url?.split("?")[0] ?? "/";
    const page = pages.get(path);
    if (!isOurs(request)) refuse(response, 403, "This page answers only to 127.0.0.1 and localhost");
    else if (request.method !== "GET" && request.method !== "HEAD") refuse(response, 405, "Only GET is answered");
    else if (path === "/events" && request.method === "GET") serveEvents(response);
    else if (page) response.writeHead(200, { ...HEADERS, "content-type": page.type }).end(page.body);
    else refuse(response, 404, "There is only the page at /");
  });
  await looking;
  await new Promise<void>((done, fail) => {
    server.once("error", fail);
    server.listen(port, "127.0.0.1", done);
  });
  const stopLooking = repeat(() => {
    looking = look().catch(onFault);
    return looking;
  }, 1000 * seconds);
  const heartbeat = setInterval(() => {
    for (const reader of readers) reader.write(": still here\n\n");
  }, HEARTBEAT_MS);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    runs: wholeRuns,
    async [Symbol.asyncDispose]() {
      stopLooking();
      clearInterval(heartbeat);
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

const isOurs = ({ headers, socket }: IncomingMessage): boolean =>
  ["127.0.0.1", "localhost"].some((name) => headers.host === `${name}:${socket.localPort}`);

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { ...HEADERS, "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`);
}

/** Calls `task` again and again, `wait` milliseconds after its end. */
function repeat(task: () => Promise<void>, wait: number): () => void {
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const next = (): void => {
    timer = setTimeout(async () => {
      await task();
      if (!isOver) next();
    }, wait);
  };
  next();
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}
