// Serves the rule-based rater: serve.ts [--port N]. Prints its base_url; ends on SIGINT or SIGTERM.
import { parseArgs } from "node:util";
import { startRater } from "./start-rater.ts";

function fail(code: number, message: string): never {
  console.error(message);
  process.exit(code);
}

function readPort(): number {
  try {
    const { values } = parseArgs({ options: { port: { type: "string", default: "0" } } });
    const port = Number(values.port);
    if (/^\d+$/.test(values.port) && port <= 65_535) return port;
    fail(2, `serve: --port is ${JSON.stringify(values.port)}; give a whole number from 0 to 65535, 0 for any free port`);
  } catch (error) {
    fail(2, `serve: ${(error as Error).message}; the only option is --port N`);
  }
}

const rater = await startRater(readPort()).catch((error: unknown) => fail(1, (error as Error).message));
console.log(rater.baseUrl);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void rater.close());
