import { type Attributes, type Span, type SpanStatus, type Tracer, type TracerProvider, trace } from "@opentelemetry/api";
import { afterAll, expect, test } from "vitest";
import { openaiCompatible } from "../src/index.ts";
import { answer, faultServer, inTurn, status } from "./fault-server.ts";

/** A provider as an SDK registers one: keeps what it is told. */
interface Recorded {
  name: string;
  attributes: Attributes;
  status: SpanStatus | undefined;
  isEnded: boolean;
}

const spans: Recorded[] = [];

function startSpan(name: string): Span {
  const recorded: Recorded = { name, attributes: {}, status: undefined, isEnded: false };
  spans.push(recorded);
  const span = {
    isRecording: () => true,
    setAttributes: (attributes: Attributes) => Object.assign(recorded.attributes, attributes),
    setStatus: (given: SpanStatus) => {
      recorded.status = given;
    },
    end: () => {
      recorded.isEnded = true;
    },
  };
  return span as unknown as Span;
}

trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan }) as unknown as Tracer } satisfies TracerProvider);
afterAll(() => trace.disable());

test("every attempt is a span of the GenAI conventions, refusals too, without a word of prompt, reply or key", async () => {
  await using server = await faultServer(
    inTurn(
      [status(429, { error: { message: "secretreply" } }, { "retry-after-ms": "5" })],
      answer("secretanswer", { model: "m-0613" }),
    ),
  );
  const model = openaiCompatible({
    baseUrl: server.baseUrl,
    model: "m",
    name: "pool-m",
    apiKey: "secretkey",
    temperature: 0.5,
    price: { inputPerMillion: 100_000, outputPerMillion: 200_000 },
  });
  await model([{ role: "user", content: "secretprompt" }], { requestKey: "abc" });
  const asked = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "m",
    "gen_ai.request.max_tokens": 1024,
    "gen_ai.request.temperature": 0.5,
    "zephyr.model": "pool-m",
    "zephyr.request_key": "abc",
  };
  expect(spans).toEqual([
    {
      name: "chat m",
      attributes: { ...asked, "zephyr.attempt": 1, "error.type": "rate_limited", "http.response.status_code": 429 },
      status: { code: 2, message: "rate_limited" },
      isEnded: true,
    },
    {
      name: "chat m",
      attributes: {
        ...asked,
        "zephyr.attempt": 2,
        "gen_ai.response.model": "m-0613",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "zephyr.cost_usd": 2,
      },
      status: undefined,
      isEnded: true,
    },
  ]);
  expect(JSON.stringify(spans)).not.toContain("secret");
});
