import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { pushDataset } from "./push-dataset.ts";

// The Hub and its storage on loopback, as far as pushing goes: https://huggingface.co/docs/hub/api, and the Git LFS batch API.

const folder = mkdtempSync(join(tmpdir(), "zephyr-push-"));
const sha256 = (content: Buffer | string) => createHash("sha256").update(content).digest("hex");
const content = Buffer.from(Array.from({ length: 3000 }, (_, n) => `{"n":${n}}\n`).join(""));
const local = join(folder, "rows.jsonl");
writeFileSync(local, content);

let stored: Map<string, Buffer>;
let parts: Map<string, Buffer>;
let committed: { key: string; value: Record<string, string | number> }[];
let calls: { to: "hub" | "storage"; path: string; token: boolean }[];
let chunkSize: number | undefined;
let failures: number;
let hasRepo: boolean;

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const storage = createServer(async (request, response) => {
  const path = request.url!;
  const body = await bodyOf(request);
  calls.push({ to: "storage", path, token: request.headers.authorization !== undefined });
  if (failures-- > 0) return void response.writeHead(503).end();
  if (path.startsWith("/part/")) {
    parts.set(path, body);
    return void response.setHeader("etag", `"${sha256(body)}"`).end();
  }
  if (path.startsWith("/whole/")) stored.set(path.slice(7), body);
  if (path.startsWith("/join/")) {
    const asked = JSON.parse(body.toString()) as { oid: string; parts: { partNumber: number; etag: string }[] };
    const pieces = asked.parts.map(({ partNumber, etag }) => {
      const piece = parts.get(`/part/${partNumber}`)!;
      expect(etag).toBe(`"${sha256(piece)}"`);
      return piece;
    });
    stored.set(asked.oid, Buffer.concat(pieces));
  }
  response.end("{}");
});

const hub = createServer(async (request, response) => {
  const path = request.url!;
  const text = (await bodyOf(request)).toString();
  calls.push({ to: "hub", path, token: request.headers.authorization === "Bearer hf_write" });
  const json = (value: object, status = 200) => void response.writeHead(status).end(JSON.stringify(value));
  if (path.includes("forbidden")) return json({ error: "no" }, 403);
  if (path === "/api/repos/create") return json({ url: "x" }, hasRepo ? 409 : 200);
  if (path.includes("/preupload/")) {
    const { files } = JSON.parse(text) as { files: { path: string; size: number; sample: string }[] };
    return json({ files: files.map(({ path, size }) => ({ path, uploadMode: size > 1000 ? "lfs" : "regular" })) });
  }
  if (path.endsWith("/info/lfs/objects/batch")) {
    const { objects } = JSON.parse(text) as { objects: { oid: string; size: number }[] };
    return json({
      objects: objects.map(({ oid, size }) => ({ oid, size, ...(stored.has(oid) ? {} : { actions: actionsFor(oid, size) }) })),
    });
  }
  if (path.startsWith("/verify/")) return json({}, stored.has(path.slice(8)) ? 200 : 404);
  committed = text.split("\n").map((line) => JSON.parse(line));
  json({ commitOid: "c0ffee", commitUrl: "x" });
});

function actionsFor(oid: string, size: number): object {
  const verify = { href: `${addressOf(hub)}/verify/${oid}` };
  if (chunkSize === undefined) return { upload: { href: `${addressOf(storage)}/whole/${oid}` }, verify };
  const header: Record<string, string> = { chunk_size: String(chunkSize) };
  for (let n = 1; n <= Math.ceil(size / chunkSize); n++) header[String(n).padStart(5, "0")] = `${addressOf(storage)}/part/${n}`;
  return { upload: { href: `${addressOf(storage)}/join/${oid}`, header }, verify };
}

const addressOf = (server: typeof hub) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
for (const server of [hub, storage]) await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const before = { ...process.env };
afterAll(() => {
  for (const server of [hub, storage]) server.close();
  rmSync(folder, { recursive: true });
  process.env = before;
});
beforeEach(() => {
  [stored, parts, committed, calls] = [new Map(), new Map(), [], []];
  [chunkSize, failures, hasRepo] = [undefined, 0, false];
  process.env["HF_ENDPOINT"] = addressOf(hub);
  process.env["HF_TOKEN"] = "hf_write";
});

const files = [
  { path: "data/train.jsonl", from: local },
  { path: "README.md", text: "# Ratings\n" },
];
const lfsLine = {
  key: "lfsFile",
  value: { path: "data/train.jsonl", algo: "sha256", oid: sha256(content), size: content.length },
};

test("small files go into the commit, large ones to the storage; the token goes to the Hub alone", async () => {
  expect(await pushDataset("me/ratings", files, { message: "first" })).toEqual({
    url: `${addressOf(hub)}/datasets/me/ratings`,
    commit: "c0ffee",
  });
  expect(stored.get(sha256(content))).toEqual(content);
  const readme = { path: "README.md", content: Buffer.from("# Ratings\n").toString("base64"), encoding: "base64" };
  expect(committed).toEqual([
    { key: "header", value: { summary: "first", description: "" } },
    lfsLine,
    { key: "file", value: readme },
  ]);
  expect(calls.filter(({ token }) => token).every(({ to }) => to === "hub")).toBe(true);
  expect(calls.filter(({ to, token }) => to === "storage" && token)).toEqual([]);
  expect(calls.map(({ path }) => path)).toContain(`/verify/${sha256(content)}`);
});

test("a file in parts is put together again, through a storage that fails at first", async () => {
  [chunkSize, failures, hasRepo] = [10_000, 1, true];
  await pushDataset("me/ratings", files);
  expect(stored.get(sha256(content))).toEqual(content);
  expect(parts.size).toBe(Math.ceil(content.length / 10_000));
});

test("what the storage has is not sent again", async () => {
  stored.set(sha256(content), content);
  await pushDataset("me/ratings", files);
  expect(calls.filter(({ to }) => to === "storage")).toEqual([]);
  expect(committed[1]).toEqual(lfsLine);
});

test("no token, a token that may not write, a bad id and a path that leads out are errors before anything is committed", async () => {
  await expect(pushDataset("me/forbidden", files)).rejects.toMatchObject({ code: "HUB_UNAUTHORIZED" });
  await expect(pushDataset("../x/y", files)).rejects.toThrow(/no Hub id/);
  await expect(pushDataset("me/ratings", [{ path: "../x", text: "" }])).rejects.toThrow(/no path inside/);
  delete process.env["HF_TOKEN"];
  await expect(pushDataset("me/ratings", files)).rejects.toMatchObject({ code: "HUB_UNAUTHORIZED" });
  expect(committed).toEqual([]);
});
