import { expect, test } from "vitest";
import { newestMesa, parseUris } from "./fetch-lavapipe.ts";

test("apt's URI lines give package, decoded version and bytes; other lines are passed over", () => {
  const text = `Reading package lists...
'http://m.example/libllvm15_15.0.6-4%2bb1_amd64.deb' libllvm15_1%3a15.0.6-4+b1_amd64.deb 23115156 MD5Sum:9ad0
'http://m.example/libdrm2_2.4.123-1%7ebpo12%2b1_amd64.deb' libdrm2_2.4.123-1~bpo12+1_amd64.deb 38648 \n`;
  expect(parseUris(text)).toEqual([
    { name: "libllvm15", version: "1:15.0.6-4+b1", bytes: 23115156 },
    { name: "libdrm2", version: "2.4.123-1~bpo12+1", bytes: 38648 },
  ]);
});

test("the newest Mesa is taken whatever the order, an epoch is no version", () => {
  const line = (version: string) => `mesa-vulkan-drivers | ${version} | http://m.example bookworm/main amd64 Packages\n`;
  expect(newestMesa(line("22.3.6-1+deb12u2") + line("25.0.7-2~bpo12+1"))).toBe(25);
  expect(newestMesa(line("25.0.7-2~bpo12+1") + line("22.3.6-1+deb12u2"))).toBe(25);
  expect(newestMesa(line("99:22.3.6-1"))).toBe(22);
  expect(newestMesa("")).toBe(0);
});
