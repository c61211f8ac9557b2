import { demo } from "./run-demo.ts";

try {
  await demo({ output: process.env["ZEPHYR_DEMO_OUTPUT"] ?? "runs/tiny" });
} catch (error) {
  if (process.env["DEBUG"]) throw error;
  process.stderr.write(`\n${(error as Error).message}\nNothing finished is lost: \`npm run demo\` goes on from here.\n`);
  process.exitCode = 1;
}
