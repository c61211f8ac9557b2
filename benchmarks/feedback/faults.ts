import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { temporaryFolder } from "./processes.ts";
import { print } from "./report.ts";

/** What is injected; each has tests whose names begin with its number. */
const FAULTS = [
  "429 with retry-after",
  "429 without a header",
  "retry-after of an hour",
  "retry-after as a date, past, garbage, negative; -ms; reset headers",
  "insufficient_quota, billing",
  "529, overloaded_error",
  "an error under status 200, as body or event",
  "500, 502, 503, 504; a herd of retries",
  "400, 401, 403, 404, 413, 422",
  "408, 409",
  "reset before headers",
  "reset in the body",
  "truncated JSON in a whole reply",
  "a stream cut before its end",
  "a body that drips",
  "no headers, unknown host, refused connection, TLS",
  "an HTML page under 200",
  "JSON under a wrong content type",
  "corrupt gzip, BOM, invalid UTF-8, 50 MB",
  "no choices, null, empty, refusal",
  "finish_reason length",
  "finish_reason content_filter",
  "usage missing or absurd",
  "ratings unreadable, a text missing, one too many, renumbered",
  "rating strings",
  "1 against 10",
  "a score inside the judged text",
  "one id for two rows",
  "batch: expired, partial, unordered, repeated, missing lines",
  "batch: limits of rows and bytes",
  "crash between a batch's upload and its record",
  "kill -9 anywhere",
  "a torn or zero-filled end of the journal",
  "disk full, EIO, read-only",
  "two runs on one folder; output synced and renamed",
  "clock jumps, an hour of sleep",
  "waiting in our own queue",
  "a worker that froze, its work taken over",
  "Redis gone, killed, emptied",
  "SIGINT once, twice",
  "budget reached with 256 in flight",
  "another model behind the name",
  "keys in logs, errors, files",
];
const LIMIT_SECONDS = 120;

interface Report {
  testResults: { assertionResults: { fullName: string; status: "passed" | "failed" | "skipped" | "pending"; title: string }[] }[];
}

/** Numbers of the faults that a test's title says it is about: "fault 36 and 37: ...", "as fault 27 wants". */
function numbersIn(title: string): number[] {
  return [...title.matchAll(/faults? (\d+)(?: and (\d+))?/g)].flatMap(([, first, second]) =>
    [first, second].filter((number) => number !== undefined).map(Number),
  );
}

/** Runs the package's tests and sorts them by the fault they inject. */
export async function faults(): Promise<void> {
  using folder = temporaryFolder();
  const report = folder.path("report.json");
  const started = performance.now();
  spawnSync("npx", ["vitest", "run", "packages/aif", "--testNamePattern", "fault", "--reporter=json", `--outputFile=${report}`], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const seconds = (performance.now() - started) / 1000;
  const { testResults } = JSON.parse(readFileSync(report, "utf8")) as Report;
  const tests = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ fullName }) => numbersIn(fullName).length > 0);
  let green = 0;
  for (const [i, fault] of FAULTS.entries()) {
    const own = tests.filter(({ fullName }) => numbersIn(fullName).includes(i + 1));
    const count = (status: string): number => own.filter((test) => test.status === status).length;
    const [passed, failed] = [count("passed"), count("failed")];
    const skipped = own.length - passed - failed;
    if (passed > 0 && failed === 0 && skipped === 0) green++;
    const verdict = failed > 0 ? "FAILED" : passed > 0 && skipped === 0 ? "as specified" : skipped > 0 ? "skipped" : "no test";
    console.log(`${String(i + 1).padStart(2)}  ${fault.padEnd(68)} ${String(passed).padStart(3)} passed  ${verdict}`);
  }
  print({
    bar: `${FAULTS.length} faults as specified in under ${LIMIT_SECONDS} s`,
    green,
    tests: tests.length,
    seconds,
    is_met: green === FAULTS.length && seconds < LIMIT_SECONDS,
  });
}
