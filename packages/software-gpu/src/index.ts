export { activateDriver } from "./activate-driver.ts";
export type { Driver, DriverKind } from "./driver.ts";
export { type EnsureOptions, ensureDriver, type PrepareOptions, prepareDriver } from "./ensure-driver.ts";
export { type FindOptions, findDriver } from "./find-driver.ts";
export type { OnProgress, PrepareProgress } from "./progress.ts";
