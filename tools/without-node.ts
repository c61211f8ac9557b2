import type { Plugin } from "esbuild";

/** What only a runtime with files has: built-in modules, Dawn's bindings, the software driver. */
const NODE_ONLY = /^node:|^webgpu$|^@zephyr\/software-gpu$/;

/**
 * esbuild plugin for browser builds: an `import()` of a Node-only module, which is written where files are read or an adapter is looked
 * for outside a browser, becomes an error that says so. A static import of one fails the build, since it would run in the page.
 */
export const withoutNode: Plugin = {
  name: "without-node",
  setup(build) {
    build.onResolve({ filter: NODE_ONLY }, ({ path, kind, importer }) => {
      if (kind === "dynamic-import") return { path, namespace: "without-node" };
      return { errors: [{ text: `${importer} imports ${path} statically; a browser has no such module` }] };
    });
    build.onLoad({ filter: /.*/, namespace: "without-node" }, ({ path }) => {
      const message = `${path} is not in a browser; files and folders work under Node, Bun and Deno`;
      return { contents: `throw new Error(${JSON.stringify(message)});\nexport {};` };
    });
  },
};
