import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type FeedbackView, feedbackView } from "./feedback-view.ts";
import { type FoundSources, findSources } from "./find-sources.ts";
import { followFile } from "./follow-file.ts";
import { followRun, type RunUpdate } from "./follow-run.ts";
import { pageFiles } from "./page-files.ts";
import { type RecipeView, recipeView } from "./recipe-view.ts";

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

/** What changed, or all there is. */
export interface Update {
  runs: RunUpdate[];
  feedback: FeedbackView[];
  recipes: RecipeView[];
  /** Ids of runs that had not begun and turn out to be folders of others. */
  gone: number[];
}

export interface WatchServerOptions {
  /** Folders of runs, and outputs of feedback jobs; what appears below the folders later is shown as it comes. */
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
  /** Everything as it is now. */
  all(): Update;
}

/**
 * Serves the live view of runs on 127.0.0.1: the page at `/`, and at `/events` what changes, as server-sent events. Answers only to the
 * names of this machine, so that no page of elsewhere can read it through a name of its own.
 */
export async function serveWatch({ folders, port, seconds, onFault }: WatchServerOptions): Promise<WatchServer> {
  const pages = pageFiles();
  const runs = followAll(followRun);
  const feedback = followAll((id, name, path) => {
    const { poll, last } = followFile(path, (json) => feedbackView(id, name, json));
    return { poll, whole: last };
  });
  const recipes = followAll((id, name, path) => {
    const { poll, last } = followFile(path, (json) => recipeView(id, name, json));
    return { poll, whole: last };
  });
  const readers = new Set<ServerResponse>();
  const send = (reader: ServerResponse, update: Update): void => {
    if (reader.writableLength > MOST_WAITING) reader.destroy();
    else reader.write(`data: ${JSON.stringify(update)}\n\n`);
  };
  const look = async (): Promise<void> => {
    const found = findSources(folders);
    const update: Update = {
      runs: await runs.poll(found.runs),
      feedback: await feedback.poll(found.feedback),
      recipes: await recipes.poll(found.recipes),
      gone: runs.drop(found.runs, ({ state }) => state === "waiting"),
    };
    if (Object.values(update).some(({ length }) => length > 0)) for (const reader of readers) send(reader, update);
  };
  const all = (): Update => ({ runs: runs.whole(), feedback: feedback.whole(), recipes: recipes.whole(), gone: [] });
  let looking = look();
  const serveEvents = (response: ServerResponse): void => {
    response.writeHead(200, { ...HEADERS, "content-type": "text/event-stream" });
    response.write("retry: 2000\n\n");
    response.on("close", () => readers.delete(response));
    // Not in the middle of a look, whose rows it would get twice.
    void looking.then(() => {
      send(response, all());
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
    all,
    async [Symbol.asyncDispose]() {
      stopLooking();
      clearInterval(heartbeat);
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

interface Followed<U> {
  poll(): Promise<U | undefined>;
  whole(): U | undefined;
}

type FoundList = FoundSources[keyof FoundSources];

/** Follows each of a kind of source from when it is found first. */
function followAll<U extends { id: number }>(follow: (id: number, name: string, path: string) => Followed<U>) {
  const known = new Map<string, Followed<U>>();
  let nextId = 0;
  const present = (values: (U | undefined)[]): U[] => values.filter((value) => value !== undefined);
  return {
    async poll(found: FoundList): Promise<U[]> {
      for (const { name, path } of found) if (!known.has(path)) known.set(path, follow(nextId++, name, path));
      return present(await Promise.all([...known.values()].map((one) => one.poll())));
    },
    whole: (): U[] => present([...known.values()].map((one) => one.whole())),
    /** Forgets those that are no longer found and of which nothing is lost; gives their ids. */
    drop(found: FoundList, isEmpty: (one: U) => boolean): number[] {
      const paths = new Set(found.map(({ path }) => path));
      return [...known].flatMap(([path, one]) => {
        const whole = one.whole();
        if (paths.has(path) || !whole || !isEmpty(whole)) return [];
        known.delete(path);
        return [whole.id];
      });
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
