import { servePage } from "./serve.ts";

const asked = process.env["PORT"] ?? "8080";
const port = Number(asked);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  process.stderr.write(`browser: PORT is ${JSON.stringify(asked)}; give a whole number from 0 to 65535\n`);
  process.exit(2);
}
try {
  const { url } = await servePage(port);
  process.stdout.write(`${url}\n`);
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException;
  const taken = `browser: port ${port} on 127.0.0.1 is in use; set PORT to another one, or to 0 for any free one`;
  process.stderr.write(`${code === "EADDRINUSE" ? taken : message}\n`);
  process.exit(1);
}
