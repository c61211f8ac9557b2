import { readFileSync } from "node:fs";

const TYPES = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
} as const;

const FILES = [
  "index.html",
  "style.css",
  "feedback.css",
  "samples.css",
  "main.js",
  "store.js",
  "charts.js",
  "chart.js",
  "drawing.js",
  "runs.js",
  "scale.js",
  "diff.js",
  "samples.js",
  "feedback.js",
  "stages.js",
];

export interface PageFile {
  type: string;
  body: Buffer;
}

/** The page's files by their path. They are served as they are written; the build copies them beside this code. */
export function pageFiles(): ReadonlyMap<string, PageFile> {
  const files = FILES.map((name): [string, PageFile] => {
    const type = TYPES[name.split(".").at(-1) as keyof typeof TYPES];
    return [`/${name}`, { type, body: readFileSync(new URL(`./page/${name}`, import.meta.url)) }];
  });
  return new Map([...files, ["/", files[0]![1]]]);
}
