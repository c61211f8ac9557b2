import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { collectRows } from "../pipe.ts";
import { downloadDataset, downloadModel, readHubRows } from "./download-repo.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const big = Buffer.from(Array.from({ length: 20_000 }, (_, n) => `{"n":${n}}\n`).join(""));

interface Served {
  content: Buffer;
  large?: boolean;
  /** Cuts the connection after this many bytes of each answer, until the whole is through. */
  cutAfter?: number;
  lie?: Buffer;
  listed?: string;
}
let files: Record<string, Served>;
let requests: { url: string; range?: string; authorization?: string }[];
let failures: number;
let nextPage: string | undefined;

const sha = (algorithm: string, ...parts: (Buffer | string)[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash(algorithm)).digest("hex");
const oid = ({ content, large }: Served) => (large ? sha("sha256", content) : sha("sha1", `blob ${content.length}\0`, content));

function tree(): object[] {
  return Object.entries(files).map(([path, file]) => ({
    type: "file",
    path: file.listed ?? path,
    size: file.content.length,
    oid: file.large ? sha("sha1", "pointer") : oid(file),
    ...(file.large ? { lfs: { oid: oid(file), size: file.content.length, pointerSize: 120 } } : {}),
  }));
}

function sendFile(file: Served, request: IncomingMessage, response: ServerResponse): void {
  const content = file.lie ?? file.content;
  const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const rest = content.subarray(start);
  response.writeHead(start > 0 ? 206 : 200, { "content-length": rest.length });
  if (file.cutAfter === undefined || rest.length <= file.cutAfter) return void response.end(rest);
  response.write(rest.subarray(0, file.cutAfter), () => setTimeout(() => response.destroy(), 5));
}

const server = createServer((request, response) => {
  const url = decodeURIComponent(request.url!.split("?")[0]!);
  const { range, authorization } = request.headers;
  requests.push({ url, ...(range ? { range } : {}), ...(authorization ? { authorization } : {}) });
  const json = (value: object) => response.setHeader("content-type", "application/json").end(JSON.stringify(value));
  if (url.includes("/private/")) return void response.writeHead(401).end("{}");
  if (url.includes("/absent")) return void response.writeHead(404).end("{}");
  if (/^\/api\/(datasets|models)\/.*\/revision\//.test(url)) return void json({ _id: "x", id: "x", sha: COMMIT });
  if (url.includes("/tree/")) {
    const all = tree();
    const page = Number(/cursor=(\d+)/.exec(request.url!)?.[1] ?? 0);
    if (page + 1 < all.length)
      response.setHeader("link", `<${nextPage ?? `${request.url!.split("&cursor")[0]}&cursor=${page + 1}`}>; rel="next"`);
    return void json(all.slice(page, page + 1));
  }
  const path = url.split(`/resolve/${COMMIT}/`)[1];
  if (failures > 0) {
    failures--;
    return void response.writeHead(503).end();
  }
  if (path && files[path]) return void sendFile(files[path], request, response);
  response.writeHead(404).end("{}");
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const home = mkdtempSync(join(tmpdir(), "zephyr-hub-"));
const before = { ...process.env };
afterAll(() => {
  server.close();
  rmSync(home, { recursive: true });
  process.env = before;
});

let cache: string;
let run = 0;
beforeEach(() => {
  requests = [];
  failures = 0;
  nextPage = undefined;
  cache = join(home, `cache-${run++}`);
  process.env["HF_ENDPOINT"] = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  process.env["HF_HUB_CACHE"] = cache;
  process.env["HF_TOKEN"] = "hf_secret";
  delete process.env["HF_HUB_OFFLINE"];
  files = {
    "README.md": { content: Buffer.from("# card") },
    "data/train_sft-00000-of-00002-aa.jsonl": { content: big, large: true },
    "data/train_sft-00001-of-00002-bb.jsonl": { content: Buffer.from('{"n":-1}\n') },
    "data/test_sft-00000-of-00001-cc.jsonl": { content: Buffer.from('{"n":-2}\n') },
  };
});
const fetched = () => requests.filter(({ url }) => url.includes("/resolve/"));

test("a dataset's split is fetched once, in Python's cache layout, and read again from there", async () => {
  const rows = readHubRows<{ n: number }>("owner/set", { split: "train_sft" });
  const all = await collectRows(rows);
  expect(all).toHaveLength(20_001);
  expect(all.at(-1)).toEqual({ n: -1 });
  expect(fetched()).toHaveLength(2);
  expect(fetched()[0]!.authorization).toBe("Bearer hf_secret");
  const root = join(cache, "datasets--owner--set");
  expect(readFileSync(join(root, "refs", "main"), "utf8")).toBe(COMMIT);
  const pointer = join(root, "snapshots", COMMIT, "data", "train_sft-00000-of-00002-aa.jsonl");
  expect(lstatSync(pointer).isSymbolicLink()).toBe(true);
  expect(readlinkSync(pointer)).toBe(join("..", "..", "..", "blobs", oid({ content: big, large: true })));
  expect(await collectRows(readHubRows("owner/set", { split: "train_sft" }))).toHaveLength(20_001);
  expect(fetched()).toHaveLength(2);
});

test("without a split all data files are read; an unknown split lists the files", async () => {
  expect(await downloadDataset("owner/set")).toHaveLength(3);
  await expect(downloadDataset("owner/set", { split: "train" })).rejects.toThrow(
    /no data file of split "train"; its files: README.md, data\/train_sft/,
  );
});

test("a model's files are fetched into one folder", async () => {
  files = {
    "config.json": { content: Buffer.from("{}") },
    "model.safetensors": { content: big, large: true },
    "pytorch_model.bin": { content: big },
    "onnx/model.json": { content: big },
  };
  const folder = await downloadModel("owner/model", { revision: "v1.0" });
  expect(readdirSync(folder).sort()).toEqual(["config.json", "model.safetensors"]);
  expect(readFileSync(join(folder, "model.safetensors")).equals(big)).toBe(true);
  expect(requests[0]!.url).toContain("/revision/v1.0");
});

test("a cut download goes on at the byte where it was cut, and survives 503", async () => {
  files["data/train_sft-00000-of-00002-aa.jsonl"]!.cutAfter = 70_000;
  failures = 1;
  const [path] = await downloadDataset("owner/set", { split: "train_sft" });
  expect(readFileSync(path!).equals(big)).toBe(true);
  const ranges = fetched().flatMap(({ range }) => (range ? [Number(/\d+/.exec(range)![0])] : []));
  expect(ranges.length).toBeGreaterThan(1);
  for (const [i, start] of ranges.entries()) expect(start).toBeGreaterThan(ranges[i - 1] ?? 0);
});

test("a part that another run left is continued", async () => {
  const file = files["data/train_sft-00000-of-00002-aa.jsonl"]!;
  await downloadDataset("owner/set", { split: "test_sft" });
  writeFileSync(join(cache, "datasets--owner--set", "blobs", `${oid(file)}.incomplete`), big.subarray(0, 100_000));
  const [path] = await downloadDataset("owner/set", { split: "train_sft" });
  expect(readFileSync(path!).equals(big)).toBe(true);
  expect(fetched().some(({ range }) => range === "bytes=100000-")).toBe(true);
});

test("content that is not what the Hub lists is refused and leaves no file", async () => {
  for (const lie of [Buffer.from(big).fill(65, 5, 6), Buffer.concat([big, big])]) {
    files["data/train_sft-00000-of-00002-aa.jsonl"]!.lie = lie;
    await expect(downloadDataset("owner/set", { split: "train_sft" })).rejects.toThrow(/checksum|more than/);
    expect(existsSync(join(cache, "datasets--owner--set", "blobs", oid({ content: big, large: true })))).toBe(false);
  }
});

for (const listed of [
  "../../outside.jsonl",
  "/etc/outside.jsonl",
  "data/../../../outside.jsonl",
  "data\\..\\outside.jsonl",
  "C:/outside.jsonl",
  "data//x.jsonl",
  "a\0.jsonl",
]) {
  test(`the listed name ${JSON.stringify(listed)} is refused before anything is fetched`, async () => {
    files["evil"] = { content: Buffer.from('{"n":0}\n'), listed };
    await expect(downloadDataset("owner/set")).rejects.toThrow("outside the cache folder");
    expect(fetched()).toEqual([]);
  });
}

test("ids and revisions that could leave the cache folder are refused", async () => {
  for (const id of ["../x", "a/b/c", "", "a/..", "owner/na me", "a--b/c"])
    await expect(downloadModel(id)).rejects.toThrow("no Hub id");
  for (const revision of ["../main", "a/../b", "", "/x"])
    await expect(downloadModel("a/b", { revision })).rejects.toThrow("no revision");
  expect(requests).toEqual([]);
});

test("a file list that goes on at another server is not followed, so the token stays at home", async () => {
  nextPage = "http://localhost:1/elsewhere";
  await expect(downloadDataset("owner/set")).rejects.toThrow("another server");
});

test("errors carry a code and say what to do, and never the token", async () => {
  await expect(downloadModel("private/model")).rejects.toMatchObject({
    code: "HUB_UNAUTHORIZED",
    message: expect.stringContaining("HF_TOKEN"),
  });
  await expect(downloadModel("absent/model")).rejects.toMatchObject({ code: "HUB_NOT_FOUND" });
  process.env["HF_ENDPOINT"] = "http://127.0.0.1:1";
  const error = await downloadModel("owner/model").catch((caught: Error & { code: string }) => caught);
  expect(error).toMatchObject({ code: "HUB_UNREACHABLE" });
  expect(String(error)).not.toContain("hf_secret");
});

test("offline, the cache answers, or says that it has nothing", async () => {
  await downloadDataset("owner/set", { split: "train_sft" });
  process.env["HF_HUB_OFFLINE"] = "1";
  requests = [];
  expect(await downloadDataset("owner/set", { split: "train_sft" })).toHaveLength(2);
  await expect(downloadModel("owner/none")).rejects.toThrow("not in the cache");
  expect(requests).toEqual([]);
});
