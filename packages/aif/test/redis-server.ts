import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A real redis-server (or valkey-server) on loopback, with its data in a folder of its own. */
export interface RedisServer extends AsyncDisposable {
  url: string;
  /** `kill -9`; `start` begins again on the same port, from what the append-only file holds. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Sends one command without arguments. */
  command(name: string): Promise<void>;
}

const program = ["redis-server", "valkey-server"].find((name) => spawnSync(name, ["--version"]).status === 0);

/** Why there is no server here, or false. */
export const noRedis: string | false = program === undefined && "redis-server is not installed (apt-get install redis-server)";

export async function redisServer(): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), "aif-redis-"));
  const port = await freePort();
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const settings = { port, bind: "127.0.0.1", dir: folder, appendonly: "yes", save: '""', "maxmemory-policy": "noeviction" };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const mine = spawn(program!, args, { stdio: ["ignore", "pipe", "inherit"] });
    child = mine;
    await new Promise<void>((resolve, reject) => {
      mine.stdout.on("data", (text) => /Ready to accept/.test(String(text)) && resolve());
      mine.once("exit", (code) => reject(new Error(`${program} ended with ${code}`)));
    });
  };
  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  };
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    kill,
    start,
    async command(name) {
      const socket = connect(port, "127.0.0.1");
      socket.end(`${name}\r\n`);
      await once(socket.resume(), "close");
    },
    async [Symbol.asyncDispose]() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
