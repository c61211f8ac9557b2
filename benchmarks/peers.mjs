import { start } from "./start.mjs";

start("peers.ts");
