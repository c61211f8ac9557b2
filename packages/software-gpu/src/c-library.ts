import { isMainThread } from "node:worker_threads";

/** The two C calls that make a driver visible to this process, on each runtime by its own way in. */
export interface CLibrary {
  /** Loads a shared library for the rest of the process's life; throws when the linker refuses. */
  load(file: string): void;
  /** Sets a variable where C's getenv sees it. */
  setEnvironment(name: string, value: string): void;
}

const RTLD_NOW = 0x2;
const RTLD_NODELETE = 0x1000;

const zeroEnded = (value: string) => new TextEncoder().encode(`${value}\0`);

function refused(file: string): Error {
  return new Error(`activateDriver: the linker refused ${file}; LD_DEBUG=libs shows why, deleting its folder prepares it again`);
}

/**
 * Node has no foreign calls, but loading an addon goes through dlopen. A library that is no addon is refused only after it was loaded, and
 * RTLD_NODELETE keeps it loaded.
 */
function nodeLibrary(): CLibrary {
  return {
    load(file) {
      try {
        process.dlopen({ exports: {} }, file, RTLD_NOW | RTLD_NODELETE);
      } catch (cause) {
        if (!(cause as Error).message.includes("did not self-register")) throw Object.assign(refused(file), { cause });
      }
    },
    setEnvironment(name, value) {
      // Only the main thread's process.env is the C environment; a worker has a copy.
      if (!isMainThread && process.env[name] !== value)
        throw new Error(
          `activateDriver: a worker thread cannot set ${name}; activate the driver in the main thread before starting workers`,
        );
      process.env[name] = value;
    },
  };
}

interface BunFfi {
  dlopen(
    library: string,
    symbols: Record<string, { args: string[]; returns: string }>,
  ): {
    symbols: {
      dlopen(path: number, flags: number): number | null;
      setenv(name: number, value: number, overwrite: number): number;
    };
  };
  ptr(bytes: Uint8Array): number;
}

async function bunLibrary(): Promise<CLibrary> {
  const specifier: string = "bun:ffi";
  const { dlopen, ptr }: BunFfi = await import(specifier);
  const { symbols } = dlopen("libc.so.6", {
    dlopen: { args: ["ptr", "i32"], returns: "ptr" },
    setenv: { args: ["ptr", "ptr", "i32"], returns: "i32" },
  });
  return {
    load(file) {
      const path = zeroEnded(file);
      if (!symbols.dlopen(ptr(path), RTLD_NOW | RTLD_NODELETE)) throw refused(file);
    },
    setEnvironment(name, value) {
      const [nameBytes, valueBytes] = [zeroEnded(name), zeroEnded(value)];
      symbols.setenv(ptr(nameBytes), ptr(valueBytes), 1);
      process.env[name] = value;
    },
  };
}

interface DenoRuntime {
  dlopen(
    library: string,
    symbols: Record<string, { parameters: string[]; result: string }>,
  ): { symbols: { dlopen(path: Uint8Array, flags: number): unknown } };
  readonly env: { set(name: string, value: string): void };
}

function denoLibrary(deno: DenoRuntime): CLibrary {
  const { symbols } = deno.dlopen("libc.so.6", { dlopen: { parameters: ["buffer", "i32"], result: "pointer" } });
  return {
    load(file) {
      if (symbols.dlopen(zeroEnded(file), RTLD_NOW | RTLD_NODELETE) === null) throw refused(file);
    },
    setEnvironment: (name, value) => deno.env.set(name, value),
  };
}

/** The C library of the process that we run in (Node, Bun or Deno; Deno needs --allow-ffi and --allow-env). */
export async function openCLibrary(): Promise<CLibrary> {
  const { Deno, Bun } = globalThis as { Deno?: DenoRuntime; Bun?: unknown };
  if (Deno) return denoLibrary(Deno);
  return Bun ? bunLibrary() : nodeLibrary();
}
