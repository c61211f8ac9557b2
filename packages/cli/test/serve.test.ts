import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { needsDevice } from "../src/testing/needs-device.ts";
import { reference, runCli, startCli, temporaryFolder } from "../src/testing/run-cli.ts";

const serve = ["serve", "--model", reference("mistral"), "--port", "0", "--json"];

const ask = (url: string, body: object, signal?: AbortSignal): Promise<Response> =>
  fetch(`${url}/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  });

describe("zephyr serve", () => {
  it("ends on SIGTERM after the requests under way, refuses new ones meanwhile, and says what it did", async (context) => {
    await needsDevice(context);
    const server = startCli([...serve, "--model-name", "tiny", "--seed", "3"]);
    const [, url] = await server.says(/tiny is served at (http:\S+)/);
    expect(await (await fetch(`${url}/models`)).json()).toMatchObject({ data: [{ id: "tiny", max_model_len: 512 }] });
    const long = await ask(url!, { prompt: [5], max_tokens: 300, min_tokens: 300, stream: true });
    const rest = long.text();
    server.kill("SIGTERM");
    await sleep(200);
    await expect(ask(url!, { prompt: [5], max_tokens: 1 })).rejects.toThrow("fetch failed");
    expect(await rest).toMatch(/"finish_reason":"length".*data: \[DONE\]\n\n$/s);
    const { code, stdout } = await server.result;
    expect({ code, result: JSON.parse(stdout) }).toMatchObject({
      code: 0,
      result: { model: "tiny", requests: 1, failed: 0, cancelled: 0, prompt_tokens: 1, completion_tokens: 300 },
    });
  });

  it("leaves at once at the second signal", async (context) => {
    await needsDevice(context);
    const server = startCli(serve);
    const [, url] = await server.says(/is served at (http:\S+)/);
    const body = { prompt: [5], max_tokens: 500, min_tokens: 500, n: 16, stream: true };
    const cut = ask(url!, body).then((reply) => reply.text());
    cut.catch(() => {});
    await sleep(300);
    server.kill("SIGINT");
    await sleep(700);
    server.kill("SIGINT");
    expect((await server.result).code).toBe(130);
    await expect(cut).rejects.toThrow();
  });

  it("says what is wrong before it begins: a taken port, a key that is not set, a model without tokenizer", async (context) => {
    await needsDevice(context);
    const first = startCli(serve);
    const [, port] = await first.says(/127\.0\.0\.1:(\d+)/);
    const second = await runCli(["serve", "--model", reference("mistral"), "--port", port!]);
    expect(second).toMatchObject({ code: 1, stderr: expect.stringMatching(/port.*(--port|in use)/i) });
    first.kill("SIGTERM");
    expect((await first.result).code).toBe(0);
    const unset = await runCli([...serve, "--api-key-env", "ZEPHYR_TEST_UNSET"]);
    expect(unset).toMatchObject({ code: 2, stderr: expect.stringContaining("ZEPHYR_TEST_UNSET is not set") });
    const bare = join(temporaryFolder(), "bare");
    mkdirSync(bare);
    for (const name of ["config.json", "model.safetensors"]) copyFileSync(reference(`mistral/${name}`), join(bare, name));
    const none = await runCli(["serve", "--model", bare, "--port", "0"]);
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining("no tokenizer") });
  });
});
