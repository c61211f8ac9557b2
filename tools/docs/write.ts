// Writes docs/api from the docstrings: `npm run docs`.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { apiPages } from "./api-pages.ts";

const folder = join(import.meta.dirname, "../../docs/api");
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
for (const [name, text] of apiPages()) writeFileSync(join(folder, name), text);
