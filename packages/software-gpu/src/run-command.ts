import { execFile } from "node:child_process";

/** The first argument that is no option nor an option's value, such as `update`. */
const verb = (args: readonly string[]) => args.find((arg, index) => /^[a-z]/.test(arg) && args[index - 1] !== "-o") ?? "";

/**
 * Runs a program without a shell and resolves to its stdout.
 *
 * Throws an Error that holds the command's last lines of stderr; `code` is "ENOENT" when the program is not on the PATH.
 */
export function runCommand(program: string, args: readonly string[]): Promise<string> {
  const environment = { ...process.env, LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" };
  return new Promise((resolve, reject) => {
    execFile(program, args, { env: environment, maxBuffer: 64 * 2 ** 20 }, (cause, stdout, stderr) => {
      if (!cause) return resolve(stdout);
      if (cause.code === "ENOENT")
        return reject(Object.assign(new Error(`${program} is not on the PATH`, { cause }), { code: "ENOENT" }));
      const lines = stderr.trim().split("\n");
      const reason = lines.find((line) => line.startsWith("E: ")) ?? lines.slice(-3).join(" / ");
      reject(new Error(`${program} ${verb(args)} failed: ${reason || cause.message}`, { cause }));
    });
  });
}
