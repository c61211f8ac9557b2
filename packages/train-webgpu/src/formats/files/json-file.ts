import { type FormatErrorCode, formatError } from "../format-error.ts";
import { isJsonObject, type JsonObject, strictJson } from "../json/strict-json.ts";

/** Reads a file that holds one JSON object; throws an error of the code given, naming the file. */
export async function readJsonObject(path: string, code: FormatErrorCode): Promise<JsonObject> {
  const { readFile } = await import("node:fs/promises");
  const bytes = await readFile(path).catch((cause) => {
    throw formatError(code, `readJsonObject: ${path} cannot be read; check that the file is there`, cause);
  });
  let json: unknown;
  try {
    json = strictJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes), { maxDepth: 64 });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw formatError(code, `readJsonObject: ${path} is not the UTF-8 JSON it should be (${why}); get the file anew`, cause);
  }
  if (isJsonObject(json)) return json;
  throw formatError(code, `readJsonObject: ${path} holds no JSON object; get the file anew`);
}
