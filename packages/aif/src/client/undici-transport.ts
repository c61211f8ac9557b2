import { Pool } from "undici";
import { decompress, type HttpReply, MAX_REPLY_BYTES, type Transport } from "./transport.ts";

/** undici pools, one per origin; time-outs and retries belong to the caller, who aborts. */
export function undiciTransport(): Transport {
  const pools = new Map<string, Pool>();
  const poolOf = (origin: string): Pool => {
    let pool = pools.get(origin);
    if (pool === undefined) {
      pool = new Pool(origin, { headersTimeout: 0, bodyTimeout: 0, maxResponseSize: MAX_REPLY_BYTES, keepAliveTimeout: 20_000 });
      pools.set(origin, pool);
    }
    return pool;
  };
  return {
    async send({ url, headers, body, method = "POST" }, signal): Promise<HttpReply> {
      const { origin, path } = splitUrl(url);
      const reply = await poolOf(origin).request({ path, method, headers, body: body ?? null, signal });
      const header = (name: string): string | undefined => {
        const value = reply.headers[name];
        return Array.isArray(value) ? value.join(", ") : value;
      };
      return {
        status: reply.statusCode,
        header,
        chunks: reply.body,
        bytes: async () => decompress(await reply.body.bytes(), header("content-encoding")),
      };
    },
  };
}

const urls = new Map<string, { origin: string; path: string }>();

function splitUrl(url: string): { origin: string; path: string } {
  let parts = urls.get(url);
  if (parts === undefined) {
    const { origin, pathname, search } = new URL(url);
    parts = { origin, path: pathname + search };
    if (urls.size > 1000) urls.clear();
    urls.set(url, parts);
  }
  return parts;
}
