import { readFileSync } from "node:fs";
import { type Model, openaiCompatible } from "@zephyr/aif";
import { RATER_MODEL, startRater } from "./rater/start-rater.ts";

const FILE = new URL("./judge.json", import.meta.url);

/** The judge of `judge.json`: a model behind the OpenAI chat API. Where it names the rule-based rater on loopback, that is started. */
export async function openJudge(): Promise<{ model: Model } & AsyncDisposable> {
  const { base_url, model, name, api_key_env } = readConfig();
  const url = new URL(base_url);
  const own = model === RATER_MODEL && url.hostname === "127.0.0.1";
  const rater = own ? await startRater(Number(url.port)) : undefined;
  const apiKey = process.env[api_key_env];
  const judge = openaiCompatible({
    baseUrl: rater?.baseUrl ?? base_url,
    model,
    name,
    maxConcurrency: 32,
    maxWaitSeconds: 60,
    ...(apiKey && !own && { apiKey }),
  });
  return { model: judge, [Symbol.asyncDispose]: async () => rater?.close() };
}

function readConfig(): Record<"base_url" | "model" | "name" | "api_key_env", string> {
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(readFileSync(FILE, "utf8")) as Record<string, unknown>;
  } catch (cause) {
    throw new SyntaxError(
      `openJudge: recipes/tiny/judge.json cannot be read (${(cause as Error).message}); restore it, it holds name, base_url, model and api_key_env`,
      { cause },
    );
  }
  for (const key of ["base_url", "model", "name", "api_key_env"]) {
    if (typeof json[key] !== "string")
      throw new TypeError(`openJudge: "${key}" in recipes/tiny/judge.json is ${JSON.stringify(json[key])}; give a text`);
  }
  if (!URL.canParse(String(json["base_url"])))
    throw new TypeError(
      `openJudge: base_url in recipes/tiny/judge.json is "${json["base_url"]}"; give an address such as https://api.openai.com/v1`,
    );
  return json as ReturnType<typeof readConfig>;
}
