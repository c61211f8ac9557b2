import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { usageError } from "../errors/usage-error.ts";

/** The mapping that a YAML or JSON file holds (JSON is YAML). Throws a usage error for a file that is not there or holds something else. */
export async function readConfigFile(path: string): Promise<Record<string, unknown>> {
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw usageError(`config file ${path} cannot be read (${cause.code}); give a YAML or JSON file`, cause);
  });
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw usageError(`config file ${path} is neither YAML nor JSON: ${(cause as Error).message.split("\n")[0]}`, cause);
  }
  if (value === null) return {};
  if (typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  throw usageError(`config file ${path} holds no mapping; write \`name: value\` lines or a JSON object`);
}
