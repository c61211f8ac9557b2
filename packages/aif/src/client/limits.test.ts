import { randomFor } from "@zephyr/data";
import { expect, test } from "vitest";
import { adaptiveConcurrency } from "./adaptive-concurrency.ts";
import { RequestError } from "./errors.ts";
import { createGate } from "./gate.ts";
import { tokenBucket } from "./token-bucket.ts";

test("600 requests a minute come evenly: between 97% and 100% of the allowance in any minute, and at most half a second's burst", () => {
  const bucket = tokenBucket(600);
  const sent: number[] = [];
  for (let now = 0; now < 180_000; ) {
    const wait = bucket.waitMs(now);
    if (wait > 0) {
      // Timers are late by up to 3 ms.
      now += Math.ceil(wait) + (sent.length % 4);
      continue;
    }
    bucket.take(1, now);
    sent.push(now);
  }
  for (let start = 0; start < 120_000; start += 997) {
    const inMinute = sent.filter((at) => at >= start && at < start + 60_000).length;
    expect(inMinute).toBeLessThanOrEqual(600);
    expect(inMinute).toBeGreaterThanOrEqual(582);
  }
});

test("fault 36: an hour of sleep, or a clock that goes back, gives no more than half a second's burst", () => {
  const bucket = tokenBucket(600);
  bucket.take(1, 0);
  let burst = 0;
  while (bucket.waitMs(3_600_000) === 0) {
    bucket.take(1, 3_600_000);
    burst++;
  }
  expect(burst).toBe(5);
  expect(bucket.waitMs(1000)).toBeGreaterThan(0);
});

test("a sender that sleeps now and then still keeps any 60 seconds within the limit, and arrivals within a bucket of a second's share", () => {
  const bucket = tokenBucket(600);
  const random = randomFor(0, "sleeps");
  const sent: number[] = [];
  for (let now = 0; now < 300_000; ) {
    const wait = bucket.waitMs(now);
    if (wait > 0) {
      now += Math.ceil(wait) + (random.integer(20) === 0 ? random.integer(1500) : 0);
      continue;
    }
    bucket.take(1, now);
    // On its way each one takes up to 50 ms longer than another.
    sent.push(now + random.integer(50));
  }
  sent.sort((a, b) => a - b);
  let level = 10;
  for (const [i, at] of sent.entries()) {
    expect(sent.findIndex((other) => other > at - 60_000)).toBeGreaterThan(i - 600);
    level = Math.min(10, level + ((at - (sent[i - 1] ?? at)) * 600) / 60_000) - 1;
    expect(level).toBeGreaterThanOrEqual(0);
  }
});

test("tokens reserved and not used come back", () => {
  const bucket = tokenBucket(6000);
  bucket.take(1000, 0);
  expect(bucket.waitMs(0)).toBeGreaterThan(9000);
  bucket.settle(1000, 10);
  expect(bucket.waitMs(0)).toBeLessThan(110);
});

test("concurrency falls once per storm and is back at 90% after a few round trips", () => {
  const concurrency = adaptiveConcurrency(256);
  for (let i = 0; i < 256; i++) concurrency.refused(0, 100);
  expect(concurrency.limit()).toBe(192);
  for (let storm = 1; storm <= 40; storm++) concurrency.refused(100 * storm + 1, 100 * storm + 50);
  expect(concurrency.limit()).toBe(1);
  let roundTrips = 0;
  for (; concurrency.limit() < 0.9 * 256 && roundTrips < 1000; roundTrips++) {
    for (let i = concurrency.limit(); i > 0; i--) concurrency.succeeded();
  }
  // Slow start up to 192, then one more per round trip: about 50 round trips, 10 s at 200 ms.
  expect(roundTrips).toBeLessThan(50);
});

const gateOptions = { name: "m", maxConcurrency: 4, maxWaitMs: 60_000, random: randomFor(0, "test") };
const refused = (ms?: number): RequestError => new RequestError("rate_limited", "429", { retryAfterMs: ms });

test("a gate lets through what is allowed at once, and the next one when one is over", async () => {
  const gate = createGate(gateOptions);
  const tickets = await Promise.all([1, 2, 3, 4].map((n) => gate.enter({ n }, 0, 0)));
  let isIn = false;
  const fifth = gate.enter({}, 0, 0).then((ticket) => {
    isIn = true;
    return ticket;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(isIn).toBe(false);
  tickets[0]!.succeeded(0);
  await fifth;
  expect(gate.inFlight()).toBe(4);
});

test("fault 1: a pause holds everybody, also those who come later, and ends on time", async () => {
  const gate = createGate(gateOptions);
  const first = await gate.enter({}, 0, 0);
  first.failed(refused(200));
  const started = performance.now();
  await Promise.all([gate.enter({}, 0, 0), gate.enter({}, 0, 0)]);
  expect(performance.now() - started).toBeGreaterThanOrEqual(195);
  expect(performance.now() - started).toBeLessThan(10_000);
});

test("a drained gate rejects what waits, and a closed one what comes", async () => {
  const gate = createGate({ ...gateOptions, maxConcurrency: 1 });
  const ticket = await gate.enter({}, 0, 0);
  const drain = new AbortController();
  const waiting = gate.enter({}, 0, 0, drain.signal);
  const later = gate.enter({}, 0, 5000, drain.signal);
  drain.abort();
  await expect(waiting).rejects.toMatchObject({ kind: "interrupted" });
  await expect(later).rejects.toMatchObject({ kind: "interrupted" });
  ticket.failed(new RequestError("auth", "401"));
  await expect(gate.enter({}, 0, 0)).rejects.toMatchObject({ kind: "auth" });
  gate.reopen();
  await gate.enter({}, 0, 0);
});

test("a provider that always says retry-after: 0 is not hammered", async () => {
  const gate = createGate({ ...gateOptions, maxConcurrency: 1 });
  const request = {};
  const started = performance.now();
  for (let i = 0; i < 5; i++) (await gate.enter(request, 0, 0)).failed(refused(0));
  const ticket = await gate.enter(request, 0, 0);
  expect(performance.now() - started).toBeGreaterThan(300);
  ticket.succeeded(0);
});

test("reopening a gate that is not closed leaves its pause alone", async () => {
  const gate = createGate(gateOptions);
  (await gate.enter({}, 0, 0)).failed(refused(300));
  gate.reopen();
  expect(gate.pausedMs()).toBeGreaterThan(200);
});
