interface Builtins {
  "node:buffer": typeof import("node:buffer");
  "node:crypto": typeof import("node:crypto");
  "node:fs": typeof import("node:fs");
  "node:os": typeof import("node:os");
  "node:path": typeof import("node:path");
  "node:stream": typeof import("node:stream");
  "node:worker_threads": typeof import("node:worker_threads");
  "node:zlib": typeof import("node:zlib");
}

/**
 * A built-in module of Node, Bun or Deno, asked for at run time: a static import would keep the package from being bundled for
 * browsers, where tokenizers and batches work and files do not.
 */
export function builtin<Name extends keyof Builtins>(name: Name, caller: string): Builtins[Name] {
  const found = globalThis.process?.getBuiltinModule?.(name) as Builtins[Name] | undefined;
  if (!found) throw new Error(`${caller}: this runtime has no ${name}; files work under Node >= 22.18, Bun and Deno`);
  return found;
}
