import type { IncomingMessage } from "node:http";
import { type ApiError, apiError } from "./api-error.ts";
import { chatReply } from "./chat-reply.ts";
import { type Prompted, readChatRequest } from "./chat-request.ts";
import { completionReply } from "./completion-reply.ts";
import { readCompletionRequest } from "./completion-request.ts";
import { readBody } from "./read-body.ts";
import type { ReplyShape } from "./reply-shape.ts";
import type { Service } from "./service.ts";

/** A request that the model is to answer. */
export interface Job {
  request: Prompted;
  shape: ReplyShape;
}

interface Route {
  method: "GET" | "POST";
  /** What is replied: an object, or a job for the model. */
  answer(service: Service, request: IncomingMessage, rest: string): Promise<object | Job>;
}

const model = ({ name, created, maxLength }: Service): object => ({
  id: name,
  object: "model",
  created,
  owned_by: "zephyr",
  max_model_len: maxLength,
});

const unknownModel = (asked: string, { name }: Service): ApiError =>
  apiError(404, `the model ${JSON.stringify(asked)} is not here; this server has ${JSON.stringify(name)}`, {
    param: "model",
    code: "model_not_found",
  });

const ROUTES: Record<string, Route> = {
  "/health": { method: "GET", answer: async () => ({ status: "ok" }) },
  "/v1/models": { method: "GET", answer: async (service) => ({ object: "list", data: [model(service)] }) },
  "/v1/models/": {
    method: "GET",
    async answer(service, _, rest) {
      if (rest !== service.name) throw unknownModel(rest, service);
      return model(service);
    },
  },
  "/v1/chat/completions": {
    method: "POST",
    async answer(service, incoming) {
      const { tokenizer } = service;
      const request = readChatRequest(await bodyFor(service, incoming), tokenizer);
      return { request, shape: chatReply(tokenizer, request.prompts[0]?.at(-1), request.topLogps !== undefined) };
    },
  },
  "/v1/completions": {
    method: "POST",
    async answer(service, incoming) {
      const { tokenizer } = service;
      const { echoes, ...request } = readCompletionRequest(await bodyFor(service, incoming), tokenizer);
      const each = <T>(values: readonly T[]): T[] => values.flatMap((value) => Array.from({ length: request.n }, () => value));
      const lastPromptIds = each(request.prompts.map((ids) => ids.at(-1)));
      return { request, shape: completionReply(tokenizer, { echoes: each(echoes), lastPromptIds, topLogps: request.topLogps }) };
    },
  },
};

/** The body of a request to this service's model. */
async function bodyFor(service: Service, incoming: IncomingMessage): Promise<Record<string, unknown>> {
  const body = await readBody(incoming);
  const { model: asked = service.name } = body;
  if (asked !== service.name) throw unknownModel(String(asked), service);
  return body;
}

export const isJob = (answered: object): answered is Job => "shape" in answered;

/** What the route of a request answers. Throws an ApiError for a place or a method that is not there. */
export function routed(service: Service, incoming: IncomingMessage): Promise<object | Job> {
  const path = new URL(incoming.url ?? "/", "http://localhost").pathname.replace(/(.)\/+$/, "$1");
  const isOneModel = path.startsWith("/v1/models/");
  const route = isOneModel ? ROUTES["/v1/models/"]! : Object.hasOwn(ROUTES, path) ? ROUTES[path] : undefined;
  if (!route) {
    const places = Object.keys(ROUTES).filter((place) => !place.endsWith("/"));
    throw apiError(404, `there is nothing at ${path}; there are ${places.join(", ")}`);
  }
  if (incoming.method !== route.method && !(incoming.method === "HEAD" && route.method === "GET"))
    throw apiError(405, `${path} takes ${route.method}, not ${incoming.method}`);
  return route.answer(service, incoming, isOneModel ? decoded(path.slice("/v1/models/".length)) : "");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
