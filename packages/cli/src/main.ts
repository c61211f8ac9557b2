import { runCommandLine } from "./run-command-line.ts";

const { argv, env, stdout, stderr } = process;

// A reader that closes early (`zephyr ... | head`) is no failure.
stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

// Under an old Node, bin/zephyr.mjs runs this in a second process, which must not outlive the first.
if (env["ZEPHYR_PARENT"] !== undefined && process.channel) {
  process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
  process.channel.unref();
}

const code = await runCommandLine(argv.slice(2), { env, stdout, stderr, leave: (code) => process.exit(code) });
// What was written must be out before the end; a GPU driver's open handles must not delay it.
await new Promise((resolve) => stdout.write("", resolve));
process.exit(code);
