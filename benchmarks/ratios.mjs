import { start } from "./start.mjs";

start("ratios/main.ts");
