import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { bundleForBrowser } from "./bundle.ts";

/** A served page: its address, and how to end it. */
export interface ServedPage extends AsyncDisposable {
  url: string;
}

/** Bundles the page and serves it on 127.0.0.1; port 0 takes any free one. */
export async function servePage(port: number): Promise<ServedPage> {
  const { outputFiles } = await bundleForBrowser(join(import.meta.dirname, "main.ts"));
  const file = (name: string): Buffer => readFileSync(join(import.meta.dirname, name));
  const pages = new Map([
    ["/", { type: "text/html; charset=utf-8", body: file("index.html") }],
    ["/style.css", { type: "text/css; charset=utf-8", body: file("style.css") }],
    ["/main.js", { type: "text/javascript; charset=utf-8", body: outputFiles[0]!.contents }],
  ]);
  const server = createServer(({ method, url }, response) => {
    const page = method === "GET" || method === "HEAD" ? pages.get(new URL(url ?? "/", "http://localhost").pathname) : undefined;
    if (!page) response.writeHead(404, { "content-type": "text/plain" }).end("There is only the page at /\n");
    else response.writeHead(200, { "content-type": page.type, "content-security-policy": POLICY }).end(page.body);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Everything the page uses is its own; nothing is fetched from elsewhere. */
const POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'";
